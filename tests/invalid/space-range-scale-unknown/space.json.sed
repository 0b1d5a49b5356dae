s/"steps": 3/"steps": 3, "scale": "lin"/
