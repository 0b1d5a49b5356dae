/"cores"/d
