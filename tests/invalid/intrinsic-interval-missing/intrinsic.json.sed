s/"interval_cycles": 2, //
