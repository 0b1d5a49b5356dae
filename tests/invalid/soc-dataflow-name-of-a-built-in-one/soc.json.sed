14s/own-os/tpu-os/
