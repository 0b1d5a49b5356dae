s/"clock_hz": 1e9, //
