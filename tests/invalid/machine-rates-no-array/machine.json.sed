s/"rates": \[/"rates": 3 }/; /"threads"/d; /^  \]/d; /^}/d
