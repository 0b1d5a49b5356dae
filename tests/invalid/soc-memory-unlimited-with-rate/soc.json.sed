s/"name": "dram",/"name": "dram", "unlimited": true,/
