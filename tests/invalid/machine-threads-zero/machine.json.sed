s/"threads": 1/"threads": 0/
