16s/"stationary": /"call_overhead_per_row": 1000001, "stationary": /
