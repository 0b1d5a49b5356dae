s|^  "seed": 1,|  "seed": 1, "splits": [ "conv" ],|
