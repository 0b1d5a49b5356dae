s/"link_bytes_per_s": 8e9/"link_bytes_per_s": 0.5/
