2s/, "name": "base"//
