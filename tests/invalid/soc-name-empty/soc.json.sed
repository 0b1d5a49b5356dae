2s/"base"/""/
