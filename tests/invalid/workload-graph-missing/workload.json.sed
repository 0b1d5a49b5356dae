s/"graph": "graph.json", //
