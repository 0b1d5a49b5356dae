6s/\[.*\], "shared/"conv", "shared/
