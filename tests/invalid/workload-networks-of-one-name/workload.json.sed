s/\{ "graph".*\} \]/{ "graph": "graph.json" }, { "graph": "graph.json" } ]/
