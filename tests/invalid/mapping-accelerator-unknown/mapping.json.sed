10s/left/lefd/
