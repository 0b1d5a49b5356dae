/* machine/1 files: any bytes are an error, or a machine the ranking model can use, and which comes
 * back from what is written of it. */
#include <assert.h>

#include "core/arena.h"
#include "intrinsics/intrin_machine.h"
#include "tests/fuzz/fuzz_file.h"

static void check(const struct intrin_calibration *machine, struct arena *arena)
{
    struct intrin_calibration again;
    struct err err = ERR_INIT;
    struct text text = { 0 };
    int fd;
    for (unsigned threads = 1; threads <= 1024; threads *= 4) {
        struct intrin_machine at = intrin_machine_at(machine, threads, &intrin_machines[0]);
        assert(at.units == threads && at.clock_hz > 0 && at.memory_bytes_per_s > 0);
    }
    intrin_calibration_json(machine, &text);
    const char *name = fuzz_file((const uint8_t *)text.data, text.bytes, &fd);
    assert(intrin_calibration_load(&again, name, arena, &err) == ERR_OK);
    assert(again.rate_count == machine->rate_count && again.cores == machine->cores);
    close(fd);
    text_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct arena *arena = arena_new();
    struct intrin_calibration machine;
    char line[2048];
    int fd;
    const char *name = fuzz_file(bytes, count, &fd);
    if (intrin_calibration_load(&machine, name, arena, &err) == ERR_OK)
        check(&machine, arena);
    else
        assert(err_format(&err, line, sizeof line)[0]);
    close(fd);
    arena_free(arena);
    return 0;
}
