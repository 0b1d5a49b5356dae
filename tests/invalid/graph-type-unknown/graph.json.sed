2s/$/ "types": { "input": "u7" },/
