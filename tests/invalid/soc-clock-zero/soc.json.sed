5s/"clock_hz": 1e9/"clock_hz": 0/
