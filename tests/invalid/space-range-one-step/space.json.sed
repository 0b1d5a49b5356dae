s/"steps": 3/"steps": 1/
