s/"copies": 2/"period_ns": 5, "rate_hz": 3/
