16s/"inner": \{ "C"/"inner": { "c"/
