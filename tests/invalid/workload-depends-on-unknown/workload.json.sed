s/"copies": 2/"name": "hand", "depends_on": "hant"/
