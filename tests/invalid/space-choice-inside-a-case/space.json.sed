s/"places": 4/"places": { "one_of": [4, 5] }/
