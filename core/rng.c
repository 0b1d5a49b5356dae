#include "core/rng.h"

#include <assert.h>
#include <string.h>

#define PHILOX_M0     UINT32_C(0xD2511F53)
#define PHILOX_M1     UINT32_C(0xCD9E8D57)
#define PHILOX_W0     UINT32_C(0x9E3779B9) /* golden ratio */
#define PHILOX_W1     UINT32_C(0xBB67AE85) /* sqrt(3) - 1 */
#define PHILOX_ROUNDS 10

/* Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11, sec. 3.3. */
void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t product0 = (uint64_t)PHILOX_M0 * c0;
        uint64_t product1 = (uint64_t)PHILOX_M1 * c2;
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)product0;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

struct rng rng_stream(uint64_t seed, uint64_t stream, uint64_t substream)
{
    assert(stream >> 48 == 0 && substream >> 48 == 0);
    struct rng rng;
    memset(&rng, 0, sizeof rng);
    rng.key[0] = (uint32_t)seed;
    rng.key[1] = (uint32_t)(seed >> 32);
    rng.counter[1] = (uint32_t)stream;
    rng.counter[2] = (uint32_t)substream;
    rng.counter[3] = (uint32_t)(stream >> 32) << 16 | (uint32_t)(substream >> 32);
    rng.used = 4;
    return rng;
}

uint32_t rng_u32(struct rng *rng)
{
    if (rng->used == 4) {
        rng_philox(rng->counter, rng->key, rng->block);
        rng->counter[0]++;
        assert(rng->counter[0] != 0); /* 2^34 numbers of one stream */
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

uint64_t rng_u64(struct rng *rng)
{
    uint64_t low = rng_u32(rng);
    return low | (uint64_t)rng_u32(rng) << 32;
}

/* Source: Lemire, "Fast random integer generation in an interval", TOMACS 29(1), 2019, alg. 5. */
uint32_t rng_below(struct rng *rng, uint32_t n)
{
    assert(n > 0);
    uint64_t product = (uint64_t)rng_u32(rng) * n;
    if ((uint32_t)product < n) {
        uint32_t threshold = -n % n; /* 2^32 mod n */
        while ((uint32_t)product < threshold)
            product = (uint64_t)rng_u32(rng) * n;
    }
    return (uint32_t)(product >> 32);
}

double rng_real(struct rng *rng)
{
    return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

void rng_shuffle_u32(struct rng *rng, uint32_t *items, size_t count)
{
    assert(count <= UINT32_MAX);
    for (size_t left = count; left > 1; left--) {
        uint32_t pick = rng_below(rng, (uint32_t)left);
        uint32_t last = items[left - 1];
        items[left - 1] = items[pick];
        items[pick] = last;
    }
}
