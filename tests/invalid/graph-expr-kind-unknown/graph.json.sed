9s/"op": "gemm"/"expr": "O[m,n] += A[m,k] * B[k,n]", "roles": "m=P n=K k=C", "kind": "matmul"/
