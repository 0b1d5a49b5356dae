s/"copies": 2/"period_ns": 0/
