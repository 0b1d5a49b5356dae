6s/1048576/1048576, "vector_lane": 4/
