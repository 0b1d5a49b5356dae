/"threads"/d
