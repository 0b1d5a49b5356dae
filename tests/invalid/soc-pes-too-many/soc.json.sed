5s/"pe_rows": 16, "pe_cols": 16/"pe_rows": 65536, "pe_cols": 65536/
