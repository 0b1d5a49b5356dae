5s/"place": \[0, 0\]/"count": 2, "place": [0, 0]/
