6s/"pool"/"conv"/
