s/\{ "graph".*\} \]/{ "graph": "graph.json", "copies": 2 }, { "graph": "graph.json", "copies": 3, "name": "b", "depends_on": "base" } ]/
