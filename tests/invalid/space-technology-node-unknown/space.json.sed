s/"node_nm": 28/"node_nm": 14/
