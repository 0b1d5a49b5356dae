s/graph.json/soc.json/
