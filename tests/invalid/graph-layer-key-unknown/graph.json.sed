7s/"epilogue"/"epilog"/
