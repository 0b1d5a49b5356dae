s/"copies": 2/"probability": 1.5/
