3s/\{.*\}/{ "topology": "ring", "link_bytes_per_s": 1e9 }/
