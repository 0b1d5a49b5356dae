s/"columns": 2, //
