s/graph.json/grahp.json/
