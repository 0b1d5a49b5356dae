5s/"pe_rows": 16/"pe_rows": 0/
