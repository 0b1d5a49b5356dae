6s/\["relu"\]/["relu"], "output_shape": [1, 8, 8, 8]/
