s/"place": \[1, 0\]/"place": 1/
