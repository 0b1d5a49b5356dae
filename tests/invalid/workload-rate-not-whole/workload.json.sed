s/"copies": 2/"rate_hz": 0.5/
