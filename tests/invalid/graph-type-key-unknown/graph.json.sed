2s/$/ "types": { "inputs": "u8" },/
