6s/scratchpad_bytes/scratchpad_byte/
