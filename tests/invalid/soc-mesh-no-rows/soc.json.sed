s/"rows": 1/"rows": 0/
