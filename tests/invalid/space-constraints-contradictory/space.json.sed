s/"pes \* lefts <= 600"/"pes * lefts > 600"/; s/"to": 3/"to": 2/; s/"steps": 3/"steps": 2/
