s/"memory_bytes_per_s": 2e10, //
