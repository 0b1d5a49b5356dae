s/"samples"/"sample"/
