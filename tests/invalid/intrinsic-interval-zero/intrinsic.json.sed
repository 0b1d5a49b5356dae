s/"interval_cycles": 2/"interval_cycles": 0/
