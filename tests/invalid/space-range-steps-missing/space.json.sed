s/, "steps": 3//
