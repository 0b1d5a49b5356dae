16s/"stationary": /"exposed_load": 1, "stationary": /
