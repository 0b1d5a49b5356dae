s/side \* side/1 \/ (side - 8)/; s/"pes \* lefts <= 600"/"side * lefts <= 600"/; s/"pe_rows": \{ "expr": "side" \}/"pe_rows": { "expr": "pes" }/
