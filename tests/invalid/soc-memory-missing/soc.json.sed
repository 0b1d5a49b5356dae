/"memory": \[/d
