s/side \* side/total_pes/
