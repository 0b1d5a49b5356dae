2s/$/ "macs": 1,/
