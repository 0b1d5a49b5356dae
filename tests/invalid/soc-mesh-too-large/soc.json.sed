s/"columns": 2, "rows": 1/"columns": 1000, "rows": 1000/
