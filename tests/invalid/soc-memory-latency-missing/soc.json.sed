s/, "latency_ns": 100//
