6s/\["relu"\]/["maxpool"]/
