2s/"name"/"colour": "red", "name"/
