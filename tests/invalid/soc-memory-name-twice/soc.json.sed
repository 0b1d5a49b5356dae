s/"memory": \[/"memory": [ { "name": "dram", "unlimited": true },/
