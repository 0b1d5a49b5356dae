s/\{ "graph".*\} \]/{ "graph": "graph.json", "period_ns": 7000000001 }, { "graph": "graph.json", "name": "b", "period_ns": 7000000003 } ]/
