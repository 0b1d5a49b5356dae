8s/$/ "makespan_ps": 900e6,/
11s/256/256, "start_ps": 0, "end_ps": 100e6/
13s/32/32, "start_ps": 200e6, "end_ps": 300e6/
14s/32/32, "start_ps": 200e6, "end_ps": 300e6/
16s/256/256, "start_ps": 100e6, "end_ps": 200e6/
18s/32/32, "start_ps": 300e6, "end_ps": 400e6/
19s/32/32, "start_ps": 300e6, "end_ps": 400e6/
21s/32/32, "start_ps": 500e6, "end_ps": 600e6/
22s/32/32, "start_ps": 500e6, "end_ps": 600e6/
18s/300e6/250e6/
