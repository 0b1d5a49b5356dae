9s/"op": "gemm"/"expr": "O[m,n] += A[m,k] * B[k,n]", "kind": "gemm"/
