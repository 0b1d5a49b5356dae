10s/, "input": "fc2"//
