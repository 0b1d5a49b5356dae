s/"mac_pj": 0.2/"mac_pj": -0.2/
