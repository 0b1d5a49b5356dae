11s/base#1/base#2/
