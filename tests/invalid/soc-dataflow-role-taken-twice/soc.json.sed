16s/"cols": \["K"\]/"cols": ["P"]/
