s/"side \* side"/"side * 1.5"/; s/"pe_rows": \{ "expr": "side" \}/"pe_rows": { "expr": "pes \/ 8" }/
