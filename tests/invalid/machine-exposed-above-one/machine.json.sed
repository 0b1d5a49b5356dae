s/"call_ns": 300/"call_ns": 300, "exposed_frac": 1.5/
