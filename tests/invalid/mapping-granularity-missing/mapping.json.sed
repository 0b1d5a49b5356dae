8d
