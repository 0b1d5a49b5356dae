15,16c "measured": { "call_ns": 1, "kinds": { "conv": { "ops_per_s": 0 } } } }
