5s/"place": \[0, 0\]/"count": 2, "places": [[0, 0]]/
