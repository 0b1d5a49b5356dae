10s/"fc2"/"conv"/
