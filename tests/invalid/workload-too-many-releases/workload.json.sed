s/\{ "graph".*\} \]/{ "graph": "graph.json", "period_ns": 1 }, { "graph": "graph.json", "name": "b", "period_ns": 1e6 } ]/
