s/"copies": 2/"copies": 0/
