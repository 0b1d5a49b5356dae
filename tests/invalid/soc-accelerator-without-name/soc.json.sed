s/"name": "right", //
