s/"by": "shape", "cases": \{/"by": "shape", "cases": {}, "more": {/
