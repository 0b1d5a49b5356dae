6s/\[.*\], "shared/[], "shared/
