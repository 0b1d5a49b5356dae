7s/\["conv"\]/[{ "from": "conv", "elements": 2047 }]/
