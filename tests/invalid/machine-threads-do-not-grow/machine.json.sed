s/"threads": 4/"threads": 1/
