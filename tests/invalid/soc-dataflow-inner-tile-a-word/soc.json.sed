16s/"all"/"everything"/
