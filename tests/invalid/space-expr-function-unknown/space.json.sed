s/side \* side/sine(side)/
