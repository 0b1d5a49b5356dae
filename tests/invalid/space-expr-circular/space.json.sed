s/"expr": "side \* side"/"expr": "rate + pes"/
