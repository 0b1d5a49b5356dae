s|^  "seed": 1,|  "seed": 1, "splits": [ { "layer": "base#0/cnv", "role": "K", "parts": [4, 4] } ],|
