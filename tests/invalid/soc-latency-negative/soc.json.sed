s/"hop_latency_ns": 5/"hop_latency_ns": -5/
