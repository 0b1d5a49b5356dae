8s/"layer"/"layers"/
