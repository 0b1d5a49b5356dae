s/hop_latency_ns/hop_latencey_ns/
