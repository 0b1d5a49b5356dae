11s/base#1\/conv/base#1\/konv/
