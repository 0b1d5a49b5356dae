6s/"shared_layers_max": 2/"shared_layers_max": 0/
