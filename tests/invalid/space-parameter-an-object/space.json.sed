s/"rate": 8e9/"rate": { "a": 1 }/
