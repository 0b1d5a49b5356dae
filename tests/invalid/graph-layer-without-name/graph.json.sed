7s/"name": "fc1", //
