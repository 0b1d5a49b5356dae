s/"l1_bytes_per_s": 1e12/"l1_bytes_per_s": -1/
