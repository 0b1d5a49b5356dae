s/"supports": \[[^]]*\]/"supports": ["pool"]/
