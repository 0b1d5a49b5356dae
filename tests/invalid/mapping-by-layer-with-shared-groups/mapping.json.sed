7s/group/layer/
