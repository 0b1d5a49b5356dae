s/"from": 1, "to": 3/"from": 3, "to": 1/
