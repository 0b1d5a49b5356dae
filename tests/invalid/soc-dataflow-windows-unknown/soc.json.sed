16s/"stationary": /"windows": "halo", "stationary": /
