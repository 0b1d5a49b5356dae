s/"constraints": \[.*\]/"constraints": "area_mm2 <= 5"/
