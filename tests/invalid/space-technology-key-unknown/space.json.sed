s/"node_nm"/"node"/
