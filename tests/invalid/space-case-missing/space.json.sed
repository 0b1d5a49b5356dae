s/"one_of": \["mesh", "ring"\]/"one_of": ["mesh", "torus"]/
