9s/"inputs": \["fc1"\]/"inputs": ["sum"]/
