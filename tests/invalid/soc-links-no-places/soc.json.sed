3s/\{.*\}/{ "topology": "links", "places": [], "links": [] }/
