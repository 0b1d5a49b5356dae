6s/"ph"/"pd"/
