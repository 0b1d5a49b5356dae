s/side \* side/side * sides/
