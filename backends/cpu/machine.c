#include "backends/cpu/machine.h"

#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/cpu/kernel.h"
#include "backends/sample.h"
#include "core/arena.h"

/* --- what it is ----------------------------------------------------------------------------- */

static void read_model(char *out, size_t size)
{
    unsigned words[13] = { 0 };
    unsigned top = __get_cpuid_max(0x80000000, NULL);
    for (unsigned leaf = 0; leaf < 3 && top >= 0x80000004; leaf++) {
        unsigned *w = &words[4 * leaf];
        __get_cpuid(0x80000002 + leaf, &w[0], &w[1], &w[2], &w[3]);
    }
    const char *name = (const char *)words;
    name += strspn(name, " ");
    snprintf(out, size, "%s", *name != '\0' ? name : "unknown CPU");
    for (size_t end = strlen(out); end > 0 && out[end - 1] == ' ';)
        out[--end] = '\0';
}

static size_t cache_bytes(int name)
{
    long bytes = sysconf(name);
    return bytes > 0 ? (size_t)bytes : 0;
}

/* cpuid and sysconf count caches that a virtual machine does not have; the system knows better. */
static size_t shared_cache_bytes(void)
{
    unsigned long kib = 0;
    FILE *file = fopen("/sys/devices/system/cpu/cpu0/cache/index3/size", "r");
    bool known = file != NULL && fscanf(file, "%luK", &kib) == 1;
    if (file != NULL)
        fclose(file);
    return known ? kib << 10 : cache_bytes(_SC_LEVEL3_CACHE_SIZE);
}

/* What SOCWEAVE_CPU_ISA allows: up to that one, nothing if there is no such name. */
enum isa { PORTABLE, AVX2, AVXVNNI, AVX512VNNI, ISAS };
static const char *const isa_names[ISAS] = { "portable", "avx2", "avxvnni", "avx512vnni" };

static enum isa allowed_isa(void)
{
    const char *name = getenv("SOCWEAVE_CPU_ISA");
    unsigned isa = ISAS - 1;
    while (name != NULL && isa > PORTABLE && strcmp(name, isa_names[isa]) != 0)
        isa--;
    return isa;
}

void backend_cpu_machine(struct backend_cpu_machine *out)
{
    memset(out, 0, sizeof *out);
    read_model(out->model, sizeof out->model);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    out->cores = cores > 0 ? (unsigned)cores : 1;
    unsigned a = 0, b, c, d;
    enum isa allowed = allowed_isa();
    /* The compiler's test knows whether the system saves the registers. */
    out->avx2 = allowed >= AVX2 && __builtin_cpu_supports("avx2");
    bool more = __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0;
    out->avxvnni = out->avx2 && allowed >= AVXVNNI && more && (a >> 4 & 1);
    bool avx512 = allowed == AVX512VNNI && __builtin_cpu_supports("avx512f") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512dq");
    out->vnni = avx512 && __builtin_cpu_supports("avx512vnni");
    out->bf16 = avx512 && more && (a >> 5 & 1);
    out->l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE);
    out->l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE);
    out->l3_bytes = shared_cache_bytes();
}

const struct kernel_set *backend_cpu_kernels(enum backend_cpu_unit unit)
{
    struct backend_cpu_machine machine;
    backend_cpu_machine(&machine);
    if (unit == BACKEND_CPU_S8)
        return machine.vnni      ? &kernel_set_avx512vnni
               : machine.avxvnni ? &kernel_set_avxvnni
               : machine.avx2    ? &kernel_set_avx2
                                 : &kernel_set_portable;
    return machine.bf16 ? &kernel_set_avx512bf16 : &kernel_set_portable_bf16;
}

/* --- how fast ------------------------------------------------------------------------------- */

#define PEAK_ROUNDS      20000 /* of 24 instructions: about 60 us */
#define LARGE_PAGE_BYTES ((size_t)2 << 20)
#define READ_BYTES       (UINT64_C(1) << 24)

/* docs/model.md M-111 */
double backend_cpu_peak_ops_per_s(enum backend_cpu_unit unit, unsigned threads)
{
    const struct kernel_set *set = backend_cpu_kernels(unit);
    double rate = 0;
#pragma omp parallel num_threads((int)threads) reduction(+ : rate)
    {
#pragma omp barrier
        double begin = backend_now_ns();
        uint64_t ops = set->peak(PEAK_ROUNDS);
        rate += (double)ops / (backend_now_ns() - begin) * 1e9;
    }
    return rate;
}

/* docs/model.md M-112 */
static double stream_bytes_per_s(kernel_read_run *read, kernel_write_run *write, size_t bytes,
                                 unsigned threads)
{
    bytes = bytes < 1024 ? 1024 : bytes / 1024 * 1024;
    size_t rounds = bytes < READ_BYTES ? READ_BYTES / bytes : 1;
    double rate = 0;
#pragma omp parallel num_threads((int)threads) reduction(+ : rate)
    {
        char *data = NULL;
        bool large = bytes >= LARGE_PAGE_BYTES / 4; /* as the engine's tensors are */
        if (posix_memalign((void **)&data, large ? LARGE_PAGE_BYTES : 4096, bytes) != 0)
            abort();
        if (large)
            madvise(data, bytes, MADV_HUGEPAGE); /* a wish */
        memset(data, 1, bytes);
        uint64_t sum = kernel_read_portable(data, bytes); /* warm */
#pragma omp barrier
        double begin = backend_now_ns();
        for (size_t i = 0; i < rounds && read != NULL; i++)
            sum += read(data, bytes);
        for (size_t i = 0; i < rounds && write != NULL; i++)
            write(data, bytes);
        rate += (double)rounds * (double)bytes / (backend_now_ns() - begin) * 1e9;
        __asm__ volatile("" : : "r"(sum));
        free(data);
    }
    return rate;
}

double backend_cpu_read_bytes_per_s(size_t bytes, unsigned threads)
{
    struct backend_cpu_machine machine;
    backend_cpu_machine(&machine);
    kernel_read_run *read = machine.vnni ? kernel_read_avx512 : kernel_read_portable;
    return stream_bytes_per_s(read, NULL, bytes, threads);
}

double backend_cpu_write_bytes_per_s(size_t bytes, unsigned threads)
{
    struct backend_cpu_machine machine;
    backend_cpu_machine(&machine);
    kernel_write_run *write = machine.vnni ? kernel_write_avx512 : kernel_write_portable;
    return stream_bytes_per_s(NULL, write, bytes, threads);
}

static void nothing(void *ctx)
{
#pragma omp parallel num_threads((int)*(const unsigned *)ctx)
    __asm__ volatile("");
}

double backend_cpu_call_ns(unsigned threads)
{
    struct backend_sampler sampler = { .run = nothing, .ctx = &threads, .samples = 21 };
    struct backend_time time;
    backend_sample(&sampler, &time);
    return time.median_ns;
}
