8s/$/ "makespan_ps": 1000,/
