3s/\{.*\}/{ "topology": "links", "places": ["west", "east"], "links": [ { "from": "west", "to": "east", "bytes_per_s": 1e9 } ] }/;s/\[0, 0\]/"west"/;s/\[1, 0\]/"east"/
