s|^  "seed": 1,|  "seed": 1, "splits": [ { "layer": "base#0/conv", "role": "K", "parts": [4, 4] } ],|
