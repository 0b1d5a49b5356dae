/* The bytes of a fuzzer as a file: the loaders of this project read files. */
#ifndef SOCWEAVE_TESTS_FUZZ_FILE_H
#define SOCWEAVE_TESTS_FUZZ_FILE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/*
 * A name for the bytes; close(*fd) ends it. The file stands alone in a folder, so that names in it
 * which are relative to it lead nowhere; beside /proc/self/fd they would reach open pipes.
 */
static inline const char *fuzz_file(const uint8_t *bytes, size_t count, int *fd)
{
    static char folder[] = "/dev/shm/socweave-fuzz-XXXXXX", name[64];
    if (!name[0]) {
        if (!mkdtemp(folder))
            abort();
        snprintf(name, sizeof name, "%s/file", folder);
    }
    *fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (*fd < 0 || write(*fd, bytes, count) != (ssize_t)count)
        abort();
    return name;
}

#endif
