s/"copies": 2/"deadline_ns": -1/
