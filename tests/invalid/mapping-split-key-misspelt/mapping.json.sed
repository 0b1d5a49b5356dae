s|^  "seed": 1,|  "seed": 1, "splits": [ { "layer": "base#0/conv", "role": "K", "parts": [4, 4], "part": 1 } ],|
s|\{ "layer": "base#0/conv", "pes": 256 \} |{ "layer": "base#0/conv/k0", "pes": 256 }, { "layer": "base#0/conv/k1", "pes": 256 } |
