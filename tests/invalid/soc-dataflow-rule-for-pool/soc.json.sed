16s/"gemm"/"pool"/
