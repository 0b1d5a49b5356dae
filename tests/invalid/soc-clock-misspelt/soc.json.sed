5s/clock_hz/clok_hz/
