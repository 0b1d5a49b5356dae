s/, "name": "base"//
