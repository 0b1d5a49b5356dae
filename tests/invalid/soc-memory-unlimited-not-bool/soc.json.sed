s/"name": "dram",/"name": "dram", "unlimited": 1,/
