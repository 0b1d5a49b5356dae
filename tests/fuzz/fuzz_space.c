/* space/1 files: any bytes are an error, or a space whose points are SoCs or infeasible. */
#include <assert.h>

#include "sweep/space.h"
#include "tests/fuzz/fuzz_file.h"

static void check_point(const struct space *space, uint64_t point)
{
    struct err err = ERR_INIT;
    struct space_verdict verdict;
    struct soc soc;
    uint32_t choices[SPACE_PARAMETERS_MAX];
    char *text = space_point_text(space, point);
    space_choices(space, point, choices);
    assert(text && space_point(space, choices) == point);
    for (size_t i = 0; i < space->parameter_count; i++)
        assert(choices[i] < space->parameters[i].value_count &&
               choices[i] == space_choice(space, point, i));
    if (space_feasible(space, point, &verdict, &soc, &err) != ERR_OK) {
        assert(err.text[0]);
    } else if (verdict.feasible) {
        assert(verdict.area_mm2 >= 0 && verdict.power_w >= 0 && space_soc_relaxes(&soc, &soc));
        soc_release(&soc);
    } else {
        assert(verdict.reason[0]);
    }
    assert(space_relaxes(space, point, point));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct err err = ERR_INIT;
    struct space space;
    char line[2048];
    int fd;
    const char *name = fuzz_file(bytes, count, &fd);
    if (space_load(&space, name, &err) == ERR_OK) {
        uint64_t last = space.point_count - 1, odd = UINT64_C(0x9e3779b97f4a7c15);
        check_point(&space, 0);
        check_point(&space, last);
        for (uint64_t i = 1; i <= 4; i++)
            check_point(&space, i * odd % space.point_count);
        space_relaxes(&space, last, 0);
        space_release(&space);
    } else {
        assert(err_format(&err, line, sizeof line)[0]);
    }
    close(fd);
    return 0;
}
