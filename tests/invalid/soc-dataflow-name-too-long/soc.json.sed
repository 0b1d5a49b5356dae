14s/own-os/a-name-that-is-longer-than-any-name-may-be/
