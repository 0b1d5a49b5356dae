s/"copies": 2/"probability": 0/
