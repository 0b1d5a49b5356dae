s/"expr": "side \* side"/"expr": "side * side", "unit": "1"/
