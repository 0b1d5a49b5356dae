s/"steps": 3/"steps": 9/
