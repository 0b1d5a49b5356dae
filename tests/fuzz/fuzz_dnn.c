/* dnn/1 files: any bytes are a valid file or an error with a place. */
#include <assert.h>

#include "core/dnn.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct dnn dnn;
    char line[2048];
    int fd;
    const char *name = fuzz_file(bytes, count, &fd);
    if (dnn_load(&dnn, name, &err) == ERR_OK)
        dnn_release(&dnn);
    else
        assert(err_format(&err, line, sizeof line)[0]);
    close(fd);
    return 0;
}
