7s/"inputs": \["conv"\]/"inputs": ["sum"]/;7s/2048/10/
