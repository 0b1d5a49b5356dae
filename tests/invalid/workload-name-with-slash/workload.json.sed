s/"copies": 2/"name": "a\/b"/
