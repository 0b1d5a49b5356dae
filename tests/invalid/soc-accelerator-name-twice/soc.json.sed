s/"right"/"left"/
