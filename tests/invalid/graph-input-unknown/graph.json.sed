7s/"inputs": \["conv"\]/"inputs": ["conf"]/
