/* The bytes of a fuzzer as a file: the loaders of this project read files. */
#ifndef SOCWEAVE_TESTS_FUZZ_FILE_H
#define SOCWEAVE_TESTS_FUZZ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* A name for the bytes; close(*fd) ends it. */
static inline const char *fuzz_file(const uint8_t *bytes, size_t count, int *fd)
{
    static char name[64];
    *fd = memfd_create("fuzz", 0);
    if (*fd < 0 || write(*fd, bytes, count) != (ssize_t)count)
        abort();
    snprintf(name, sizeof name, "/proc/self/fd/%d", *fd);
    return name;
}

#endif
