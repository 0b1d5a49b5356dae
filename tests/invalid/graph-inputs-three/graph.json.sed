7s/"inputs": \["conv"\]/"inputs": ["conv", "conv", "conv"]/
