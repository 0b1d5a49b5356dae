s/area_mm2 <= 100/area_mm <= 100/
