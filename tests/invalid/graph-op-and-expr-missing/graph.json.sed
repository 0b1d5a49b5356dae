7s/"op": "gemm", //
