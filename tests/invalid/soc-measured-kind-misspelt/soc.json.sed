15,16c "measured": { "call_ns": 1, "kinds": { "conv": { "ops_per_s": 1e9 }, "pol": { "ops_per_s": 1 } } } }
