s|^  "seed": 1,|  "seed": 1, "splits": [ { "layer": "base#0/conv", "role": "K", "parts": [4, 4] } ],|
s|22e46c71|22e46c72|
