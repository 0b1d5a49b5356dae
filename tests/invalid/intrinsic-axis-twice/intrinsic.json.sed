s/A\[i,k\]/A[i,k,i]/
