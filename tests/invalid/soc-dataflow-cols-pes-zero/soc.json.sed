16s/"cols": /"cols_pes": 0, "cols": /
