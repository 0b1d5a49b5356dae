3s/\{.*\}/{ "topology": "links", "places": ["west", "east"], "links": [ { "from": "west", "to": "west", "bytes_per_s": 1e9 } ] }/
