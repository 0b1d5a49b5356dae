s/latency_cycles/latency_cycle/
