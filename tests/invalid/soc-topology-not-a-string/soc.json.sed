s/"mesh"/[]/
