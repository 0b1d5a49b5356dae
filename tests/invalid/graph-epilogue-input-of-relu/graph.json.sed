10s/"add"/"relu"/
