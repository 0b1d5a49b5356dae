6s/$/ "sede": 1,/
