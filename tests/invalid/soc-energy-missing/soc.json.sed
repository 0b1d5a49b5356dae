/"energy"/,/pe_idle/d
