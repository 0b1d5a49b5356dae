11s/"pes": 256/"pes": 256, "start_ps": 0, "end_ps": 9e6/
