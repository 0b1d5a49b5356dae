s/area_mm2 <= 100/shape/
