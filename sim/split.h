/*
 * Splitting work over the T steps of a layer at tile granularity: step k gets
 * floor(n (k+1) / T) - floor(n k / T), which is the quotient or one more (docs/model.md M-34).
 */
#ifndef SOCWEAVE_SIM_SPLIT_H
#define SOCWEAVE_SIM_SPLIT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Walks the parts in order: O(1) each, and exact for any total. */
struct sim_split {
    uint64_t quotient;
    uint32_t remainder, parts, carry;
};

static inline struct sim_split sim_split_of(uint64_t total, uint32_t parts)
{
    struct sim_split split = { total / parts, (uint32_t)(total % parts), parts, 0 };
    return split;
}

/* 1 if the next part is one more than the quotient. */
static inline unsigned sim_split_extra(struct sim_split *split)
{
    uint64_t carry = (uint64_t)split->carry + split->remainder;
    unsigned extra = carry >= split->parts;
    split->carry = (uint32_t)(extra ? carry - split->parts : carry);
    return extra;
}

static inline uint64_t sim_split_next(struct sim_split *split)
{
    uint64_t quotient = split->quotient;
    return quotient + sim_split_extra(split);
}

/* Part k on its own; total % parts and k are below 2^32, so the products fit. */
static inline uint64_t sim_split_part(uint64_t total, uint32_t parts, uint32_t k)
{
    uint64_t remainder = total % parts;
    return total / parts + (remainder * ((uint64_t)k + 1) / parts - remainder * k / parts);
}

#ifdef __cplusplus
}
#endif
#endif
