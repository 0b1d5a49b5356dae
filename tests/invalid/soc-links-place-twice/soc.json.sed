3s/\{.*\}/{ "topology": "links", "places": ["west", "west"], "links": [] }/
