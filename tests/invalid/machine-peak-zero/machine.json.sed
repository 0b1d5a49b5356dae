s/1e12, "mem/0, "mem/
