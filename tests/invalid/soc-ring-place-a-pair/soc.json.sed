3s/\{.*\}/{ "topology": "ring", "places": 2, "link_bytes_per_s": 1e9 }/
