/* Calibration of a GPU that is not there: every figure is filled, and failures are said. */
#include <stdlib.h>
#include <string.h>

#include "backends/cuda/calibrate.h"
#include "core/file.h"
#include "tests/model/cuda_fake.h"
#include "tests/test.h"

static const struct cuda_calibrate_sizes small = { 256, (size_t)1 << 20, (size_t)4 << 20 };

TEST(cuda_calibrate__fake_device__every_figure)
{
    struct intrin_calibration c = { .version = "v", .command = "c" }, again;
    char name[64];
    cuda_fake_begin();
    CHECK_OK(cuda_calibrate(&small, 3, &c, name, err));
    CHECK_STR("Fake H100", c.name);
    CHECK_INT(132, c.cores);
    CHECK_INT(1, c.rate_count);
    CHECK_INT(132, c.rates[0].threads);
    CHECK_NEAR(2.0 * 256 * 256 * 256 / 1e-6, c.rates[0].peak_ops_per_s, 1); /* it takes 1 us */
    CHECK_NEAR(3.35e12, c.rates[0].memory_bytes_per_s, 0);
    CHECK(c.rates[0].memory_write_bytes_per_s > 0 && c.rates[0].call_ns >= 0);
    CHECK(c.link.to_bytes_per_s > 0 && c.link.from_bytes_per_s > 0 && c.link.call_ns > 0);
    /* And as a file. */
    struct text text = { 0 };
    struct arena *arena = arena_new();
    char *file = file_join(test_temp_dir(), "gpu.json");
    intrin_calibration_json(&c, &text);
    CHECK_OK(file_write(file, text.data, text.bytes, err));
    CHECK_OK(intrin_calibration_load(&again, file, arena, err));
    CHECK_STR("Fake H100", again.name);
    CHECK(memcmp(&c.link, &again.link, sizeof c.link) == 0);
    CHECK(memcmp(&c.rates[0], &again.rates[0], sizeof c.rates[0]) == 0);
    text_release(&text);
    free(file);
    arena_free(arena);
    cuda_fake_end();
}

TEST(cuda_calibrate__no_device_or_full_or_lost__says_so)
{
    struct intrin_calibration c = { 0 };
    char name[64];
    struct err err = ERR_INIT;
    struct cuda_fake *fake = cuda_fake_begin();
    fake->state = BACKEND_NO_DEVICE;
    CHECK_INT(ERR_UNAVAILABLE, cuda_calibrate(&small, 1, &c, name, &err));
    CHECK_STR("--calibrate: no device", err.text);
    fake->state = BACKEND_AVAILABLE;
    fake->memory_bytes = 1 << 20;
    err = (struct err)ERR_INIT;
    CHECK_INT(ERR_DEVICE, cuda_calibrate(&small, 1, &c, name, &err));
    CHECK_STR("4194304 bytes of device memory: out of memory", err.text);
    fake->memory_bytes = SIZE_MAX / 2;
    fake->is_lost = true;
    CHECK_INT(ERR_DEVICE, cuda_calibrate(&small, 1, &c, name, NULL));
    fake->is_lost = false;
    fake->launches_to_go = 3;
    CHECK_INT(ERR_DEVICE, cuda_calibrate(&small, 1, &c, name, NULL));
    CHECK_INT(1, fake->resets);
    CHECK_INT(0, c.rate_count);
    cuda_fake_end();
}
