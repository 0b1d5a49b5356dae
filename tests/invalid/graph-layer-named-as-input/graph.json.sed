3s/image/fc2/
