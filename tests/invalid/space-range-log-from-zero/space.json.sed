s/"from": 1, "to": 3, "steps": 3/"from": 0, "to": 3, "steps": 3, "scale": "log"/
