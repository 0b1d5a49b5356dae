s/"samples": [0-9]*,/& "link": { "to_bytes_per_s": 0, "from_bytes_per_s": 1, "call_ns": 0 },/
