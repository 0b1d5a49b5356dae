s/"clock_hz"/"clock_hertz"/
