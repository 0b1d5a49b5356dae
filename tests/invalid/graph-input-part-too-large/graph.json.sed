7s/"inputs": \["conv"\]/"inputs": [ { "from": "conv", "elements": 2049 } ]/
