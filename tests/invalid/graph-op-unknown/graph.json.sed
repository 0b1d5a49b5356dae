5s/conv2d/convolve/
