5s/conv2d/conv/
