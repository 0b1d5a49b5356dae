s/side \* side/side * shape/
