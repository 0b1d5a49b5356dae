/* soc/1 files: any bytes are a valid file or an error with a place. */
#include <assert.h>

#include "core/soc.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct soc soc;
    char line[2048];
    int fd;
    const char *name = fuzz_file(bytes, count, &fd);
    if (soc_load(&soc, name, &err) == ERR_OK)
        soc_release(&soc);
    else
        assert(err_format(&err, line, sizeof line)[0]);
    close(fd);
    return 0;
}
