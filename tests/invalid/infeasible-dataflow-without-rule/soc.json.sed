16s/"gemm"/"conv"/
