s/side \* side/side * /
