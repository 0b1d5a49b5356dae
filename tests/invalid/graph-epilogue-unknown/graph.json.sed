6s/"relu"/"rely"/
