s/"memory": \[.*\],/"memory": [],/
