s/"copies": 2/"depends_on": "base"/
