s/"rate": 8e9/"rate": { "expr": "pes" }/; s/"side \* side"/"rate * 2"/
