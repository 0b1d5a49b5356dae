s/"from": 1, "to": 3/"from": 1, "to": 1/
