8s/"gemm", //
