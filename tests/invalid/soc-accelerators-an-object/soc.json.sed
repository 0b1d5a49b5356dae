4,9c "accelerators": {},
