16s/"all"/0/
