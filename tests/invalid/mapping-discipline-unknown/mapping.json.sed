7s/group/groups/
