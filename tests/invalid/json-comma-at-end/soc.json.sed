s/"latency_ns": 100 \}/"latency_ns": 100, }/
