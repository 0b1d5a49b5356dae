13s/\},$/} ] }, { "accelerator": "right", "layers": [/
14s/ \] \},/, { "layer": "base#1\/sum", "pes": 32 } ] },/
21s/\},$/} ] }/
22d
