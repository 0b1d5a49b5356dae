s/ld", "layout": "lane: i4; byte: k8" \},/ld" } ],/;/"type": "s8"/d
