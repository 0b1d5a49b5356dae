14s/"name": "own-os",/"name": "own-os", "measured": { "call_ns": 1, "kinds": { "conv": { "ops_per_s": 1e9 } } },/
