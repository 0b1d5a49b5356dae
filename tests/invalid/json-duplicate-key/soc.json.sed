3s/"columns"/"rows": 3, "columns"/
