s/"networks"/"frames": 0, "networks"/
