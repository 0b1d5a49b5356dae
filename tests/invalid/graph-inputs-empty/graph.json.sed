7s/"inputs": \["conv"\]/"inputs": []/
