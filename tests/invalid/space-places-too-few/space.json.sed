s/"columns": 4/"columns": 1/; s/"places": 4/"places": 1/
