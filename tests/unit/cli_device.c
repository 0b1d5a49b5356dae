/* validate --calibrate --host --backend cuda and --run-mapping on the emulated device: the
 * program's own commands, their files and their exit statuses. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/file.h"
#include "core/soc.h"
#include "core/text.h"
#include "tests/model/cuda_fake.h"
#include "tests/test.h"
#include "tests/unit/exec_case.h"

#define WORDS_MAX 24

static const char *folder; /* of the test: "@" in a command line */

static int redirect(int from, const char *file)
{
    int kept = dup(from), to = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(kept >= 0 && to >= 0);
    dup2(to, from);
    close(to);
    return kept;
}

static void restore(int to, int kept)
{
    dup2(kept, to);
    close(kept);
}

/* Runs "command --option value …" (no blanks within a word); what it said on stdout and stderr is
 * the caller's to free(). */
static int run_command(const char *line, char **out, char **err_text)
{
    char *words[WORDS_MAX], *copy = strdup(line), *at = NULL;
    int count = 0;
    for (char *word = strtok_r(copy, " ", &at); word != NULL; word = strtok_r(NULL, " ", &at)) {
        CHECK(count + 1 < WORDS_MAX);
        words[count++] = word;
    }
    words[count] = NULL;
    char *out_file = file_join(test_temp_dir(), "stdout"),
         *err_file = file_join(test_temp_dir(), "stderr");
    fflush(NULL);
    int out_kept = redirect(1, out_file), err_kept = redirect(2, err_file);
    int status = cli_find(words[0])->run(count, words);
    fflush(NULL);
    restore(1, out_kept);
    restore(2, err_kept);
    size_t bytes;
    CHECK_OK(file_read(out_file, out, &bytes, err));
    CHECK_OK(file_read(err_file, err_text, &bytes, err));
    free(out_file);
    free(err_file);
    free(copy);
    return status;
}

static void check_command(int status, const char *line, const char *says, const char *complains)
{
    char *out, *complaint;
    int got = run_command(line, &out, &complaint);
    if (got != status || (says && strstr(out, says) == NULL) ||
        (complains && strstr(complaint, complains) == NULL))
        test_fail(__FILE__, __LINE__, "%s: exit status %d, expected %d; it says:\n%s%s", line, got,
                  status, out, complaint);
    free(out);
    free(complaint);
}

static const char *in_temp(struct text *text, const char *format)
{
    text_release(text);
    *text = (struct text){ 0 };
    for (const char *at = format; *at; at++)
        if (*at == '@')
            text_add(text, folder);
        else
            text_printf(text, "%c", *at);
    return text->data;
}

static void begin(struct text *line)
{
    if (exec_case_cores() < 2)
        test_skip("two cores are needed");
    *line = (struct text){ 0 };
    folder = test_temp_dir();
    check_command(0,
                  in_temp(line, "validate --progress none --calibrate --host @/host.json --backend "
                                "cuda --workload tiny --samples 1"),
                  "layers timed on Fake H100, 132 SMs", NULL);
}

TEST(cli_device__calibrate_host__a_gpu_behind_its_link)
{
    struct text line;
    struct soc soc;
    struct cuda_fake *fake = cuda_fake_begin();
    begin(&line);
    CHECK(fake->launches > 0);
    CHECK_OK(soc_load(&soc, in_temp(&line, "@/host.json"), err));
    size_t gpu = soc.accelerator_count - 1;
    CHECK_INT(exec_case_cores(), soc.accelerator_count); /* one drives the GPU */
    CHECK_STR("gpu", soc.accelerators[gpu].name);
    CHECK_STR("cuda", soc.accelerators[gpu].dataflow->measured.backend);
    CHECK_STR("", soc.accelerators[0].dataflow->measured.backend);
    CHECK_INT(132, soc_pes(&soc.accelerators[gpu]));
    CHECK(soc.accelerators[gpu].dataflow->measured.rates[OP_GEMM].present);
    CHECK(!soc.accelerators[gpu].dataflow->measured.rates[OP_POOL].present);
    /* From a core through the memory over the link; weights come from its own memory. */
    CHECK_INT(2, soc_hops(&soc, soc.accelerators[0].place, soc.accelerators[gpu].place));
    CHECK_INT(2, soc.channel_count);
    CHECK_NEAR(3.35e12, (double)soc.channels[1].bytes_per_s, 1);
    CHECK_INT(soc.accelerators[gpu].place, soc.channels[1].place);
    soc_release(&soc);
    text_release(&line);
    cuda_fake_end();
}

static void explore(struct text *line)
{
    check_command(0,
                  in_temp(line, "explore --progress none --soc @/host.json --workload tiny "
                                "--budget-evals 50 --out @/whole"),
                  NULL, NULL);
}

#define RUN                                                                                        \
    "validate --progress none --run-mapping @/all/mapping.json --soc @/host.json --workload tiny"

/* A mapping that uses both, whatever the emulation took: calls on a core last 0.3 s, on the GPU a
 * third of it. */
static void explore_onto_both(struct text *line)
{
    static const char key[] = "\"call_ns\": ";
    char *text;
    size_t bytes;
    CHECK_OK(file_read(in_temp(line, "@/host.json"), &text, &bytes, err));
    char *core = strstr(text, key), *gpu = core != NULL ? strstr(core + 1, key) : NULL;
    CHECK(gpu != NULL);
    struct text edited = { 0 };
    text_printf(&edited, "%.*s%s3e8", (int)(core - text), text, key);
    core = strchr(core, ',');
    text_printf(&edited, "%.*s%s1e8%s", (int)(gpu - core), core, key, strchr(gpu, ','));
    CHECK_OK(file_write(in_temp(line, "@/host.json"), edited.data, edited.bytes, err));
    text_release(&edited);
    free(text);
    check_command(0,
                  in_temp(line, "explore --progress none --soc @/host.json --workload tiny "
                                "--budget-evals 200 --out @/all"),
                  NULL, NULL);
}

TEST(cli_device__run_mapping__core_and_gpu_right)
{
    struct text line;
    struct cuda_fake *fake = cuda_fake_begin();
    begin(&line);
    explore(&line); /* the file as it was written, too */
    explore_onto_both(&line);
    fake->launches = 0;
    check_command(0, in_temp(&line, RUN " --runs 2"), "right: all 9 layers equal the reference",
                  NULL);
    CHECK(fake->launches >= 3 && fake->launches < 3 * 9); /* 3 runs with the first one */
    check_command(0, in_temp(&line, RUN " --runs 1 --json --out @/run"), "; Fake H100, 132 SMs\"",
                  NULL);
    check_command(0, in_temp(&line, RUN " --runs 1 --json"), "\"failure\": null", NULL);
    text_release(&line);
    cuda_fake_end();
}

/* Lost in the third counted run: what was measured before is reported, and the exit status is the
 * device's. Lost in the first one: nothing was measured. */
TEST(cli_device__lost_in_a_run__reports_the_others_and_exits_6)
{
    struct text line;
    struct cuda_fake *fake = cuda_fake_begin();
    begin(&line);
    explore_onto_both(&line);
    fake->launches = 0;
    check_command(0, in_temp(&line, RUN " --runs 1 --unchecked"), NULL, NULL);
    uint64_t each = fake->launches / 2;
    fake->launches_to_go = 3 * each;
    check_command(6, in_temp(&line, RUN " --runs 5 --json"), "\"failure\": \"layer \\\"tiny-",
                  "run 3 of 5 failed: layer \"tiny-");
    CHECK_INT(1, fake->resets);
    fake->launches_to_go = 3 * each + 1;
    check_command(6, in_temp(&line, RUN " --runs 5"), "not compared with the reference",
                  "unspecified launch failure (DEVICE)");
    fake->launches_to_go = 0;
    check_command(6, in_temp(&line, RUN " --runs 5"), NULL, "layer \"tiny-");
    CHECK_INT(3, fake->resets);
    check_command(0, in_temp(&line, RUN " --runs 1"), "right: all 9 layers", NULL);
    text_release(&line);
    cuda_fake_end();
}

TEST(cli_device__full_or_gone__exits_6_and_says_why)
{
    struct text line;
    struct cuda_fake *fake = cuda_fake_begin();
    begin(&line);
    explore_onto_both(&line);
    fake->memory_bytes = 4096;
    check_command(6, in_temp(&line, RUN), NULL, "bytes of device memory: out of memory");
    check_command(6,
                  in_temp(&line, "validate --progress none --calibrate --host @/no.json --backend "
                                 "cuda --workload tiny"),
                  NULL, "out of memory");
    fake->state = BACKEND_NO_DEVICE;
    check_command(6, in_temp(&line, RUN), NULL,
                  "accelerator \"gpu\" of \"host\" is a device of backend cuda: no device");
    check_command(6,
                  in_temp(&line, "validate --progress none --calibrate --host @/no.json --backend "
                                 "cuda --workload tiny"),
                  NULL, "--calibrate: backend cuda: no device");
    CHECK(access(in_temp(&line, "@/no.json"), F_OK) != 0);
    text_release(&line);
    cuda_fake_end();
}

/* --- predictions from a measured GPU -----------------------------------------------------------
 */

static double a_millisecond(const struct cuda_launch *launch)
{
    (void)launch;
    return 1e6;
}

TEST(cli_device__machine_of_a_gpu__predicts_for_it_alone)
{
    struct text line = { 0 };
    char *text;
    size_t bytes;
    cuda_fake_begin()->clock_ns = a_millisecond;
    folder = test_temp_dir();
    check_command(0,
                  in_temp(&line, "validate --progress none --calibrate --backend cuda --samples 1 "
                                 "--out @/gpu.json"),
                  "Fake H100, 132 SMs: ", NULL);
    CHECK_OK(file_read(in_temp(&line, "@/gpu.json"), &text, &bytes, err));
    char *rate = strstr(text, "\"memory_bytes_per_s\": ");
    CHECK(rate != NULL);
    struct text edited = { 0 };
    text_printf(&edited, "%.*s\"memory_bytes_per_s\": 12345678%s", (int)(rate - text), text,
                strpbrk(rate, ",}"));
    CHECK_OK(file_write(in_temp(&line, "@/gpu.json"), edited.data, edited.bytes, err));
    text_release(&edited);
    free(text);
#define LAYER " --graph tiny-mlp --layer in --samples 1 --json --machine "
    check_command(0, in_temp(&line, "validate --progress none --backend cuda" LAYER "@/gpu.json"),
                  "\"memory_bytes_per_s\": 12345678", NULL);
    check_command(3, in_temp(&line, "validate --progress none --backend cpu" LAYER "@/gpu.json"),
                  NULL, "\"Fake H100\" is a device behind a link");
    static const char cpu[] =
        "{ \"socweave\": \"machine/1\", \"version\": \"0\", \"command\": \"c\", \"name\": "
        "\"Core\", "
        "\"cores\": 1, \"samples\": 1, \"l1_bytes\": 1, \"l2_bytes\": 1, \"l3_bytes\": 1, "
        "\"rates\": [ { \"threads\": 1, \"peak_ops_per_s\": 1e12, \"memory_bytes_per_s\": 1e10, "
        "\"call_ns\": 1 } ] }";
    CHECK_OK(file_write(in_temp(&line, "@/cpu.json"), cpu, strlen(cpu), err));
    check_command(3, in_temp(&line, "validate --progress none --backend cuda" LAYER "@/cpu.json"),
                  NULL,
                  "\"Core\" is no device behind a link: expected what validate --calibrate "
                  "--backend cuda has written");
    text_release(&line);
    cuda_fake_end();
}
