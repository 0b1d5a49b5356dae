7s/"extents": \{[^}]*\}, //
