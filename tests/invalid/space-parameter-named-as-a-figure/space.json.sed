s/"rate": 8e9/"area_mm2": 8e9/
