6s/"conv"/"convolution"/
