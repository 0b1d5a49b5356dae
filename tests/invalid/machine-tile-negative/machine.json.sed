s/"call_ns": 300/"call_ns": 300, "tile_ns": -1/
