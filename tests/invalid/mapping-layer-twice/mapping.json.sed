18s/base#0/base#1/
