16s/"output"/"outputs"/
