6s/1048576/1048576, "scratchpad_bytes_per_cycle": 0/
