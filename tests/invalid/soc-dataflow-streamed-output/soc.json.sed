16s/"stationary": /"streamed": ["output"], "stationary": /
