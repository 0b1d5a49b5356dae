9s/"op": "gemm"/"expr": "O[m,n] += A[m,k] * B[k,n]", "roles": "m=Z n=K k=C", "kind": "gemm"/
