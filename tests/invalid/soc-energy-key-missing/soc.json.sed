s/"hop_pj_per_byte": 2,//
