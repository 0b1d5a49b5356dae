15,16c "measured": { "kinds": { "conv": { "ops_per_s": 1e9 } } } }
