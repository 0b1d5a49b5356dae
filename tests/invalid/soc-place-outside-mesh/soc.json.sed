s/"place": \[1, 0\]/"place": [2, 0]/
