2s|$| // the tag|
