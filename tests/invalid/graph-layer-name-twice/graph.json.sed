7s/fc1/conv/
