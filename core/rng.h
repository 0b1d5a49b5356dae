/*
 * Counter-based random streams: Philox4x32-10 (Salmon et al., SC'11). A stream depends on its
 * four keys alone, never on the thread that draws from it, so the same seed gives the same bytes
 * for any --jobs. Typical keys: (seed, generation, individual).
 */
#ifndef SOCWEAVE_CORE_RNG_H
#define SOCWEAVE_CORE_RNG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rng {
    uint32_t key[2];
    uint32_t counter[4]; /* [0] counts blocks; [1..3] hold the stream's identity */
    uint32_t block[4];
    unsigned used; /* words of `block` handed out */
};

/* `stream` and `substream` < 2^48; distinct triples give independent streams. */
struct rng rng_stream(uint64_t seed, uint64_t stream, uint64_t substream);

uint32_t rng_u32(struct rng *rng);
uint64_t rng_u64(struct rng *rng);
/* Uniform in [0, n), unbiased (Lemire 2019); n > 0. */
uint32_t rng_below(struct rng *rng, uint32_t n);
/* Uniform in [0, 1), 53 bits. */
double rng_real(struct rng *rng);
/* Fisher-Yates over indices. */
void rng_shuffle_u32(struct rng *rng, uint32_t *items, size_t count);

/* One Philox4x32-10 block, for the known-answer test. */
void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#ifdef __cplusplus
}
#endif
#endif
