/"network"/d
