15,16c "measured": { "call_ns": 1, "depth_granule": 0, "kinds": { "conv": { "ops_per_s": 1e9 } } } }
