s/"mesh"/"mash"/
