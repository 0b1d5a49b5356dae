s/lane: i4; byte: k8/lane i4; byte: k8/
