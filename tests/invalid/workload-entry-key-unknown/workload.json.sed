s/"copies"/"copy"/
