10s/left/right/
