s/"networks"/"horizon_ns": 1e9, "networks"/; s/"copies": 2/"period_ns": 1/
