16s/"rows": \["P"\]/"rows": ["X"]/
