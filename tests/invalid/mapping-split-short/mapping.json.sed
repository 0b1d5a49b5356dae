s|^  "seed": 1,|  "seed": 1, "splits": [ { "layer": "base#0/conv", "role": "P", "parts": [4, 5] } ],|
