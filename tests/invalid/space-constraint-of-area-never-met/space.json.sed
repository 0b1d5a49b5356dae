s/area_mm2 <= 100/area_mm2 < 0/
