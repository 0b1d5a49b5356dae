s/"bytes_per_s": 16e9, //
