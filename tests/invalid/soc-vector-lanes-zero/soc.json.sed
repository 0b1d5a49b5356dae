6s/1048576/1048576, "vector_lanes": 0/
