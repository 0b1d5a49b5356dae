#include "reports/report_floor.h"

#include "core/num.h"

void report_floor_leave(struct report_floor *floor, uint64_t now_ps)
{
    size_t kept = 0;
    for (size_t i = 0; i < floor->count; i++)
        if (floor->taken[i].end_ps > now_ps)
            floor->taken[kept++] = floor->taken[i];
    floor->count = kept;
}

static void take(struct report_floor *floor, size_t at, struct report_piece piece)
{
    for (size_t i = floor->count; i > at; i--)
        floor->taken[i] = floor->taken[i - 1];
    floor->taken[at] = piece;
    floor->count++;
}

/* The free PEs below taken[at]; above all of them for at == count. */
static struct report_piece gap_at(const struct report_floor *floor, size_t at)
{
    return (struct report_piece){ at == 0 ? 0 : floor->taken[at - 1].to,
                                  at == floor->count ? floor->pes : floor->taken[at].from, 0 };
}

static bool fits(const struct report_floor *floor, size_t at, uint64_t pes)
{
    struct report_piece gap = gap_at(floor, at);
    return gap.to - gap.from >= pes;
}

static size_t find_gap(const struct report_floor *floor, uint64_t pes)
{
    for (size_t at = 0; at <= floor->count; at++)
        if (fits(floor, at, pes))
            return at;
    return SIZE_MAX;
}

static size_t enter_in_pieces(struct report_floor *floor, uint64_t pes, uint64_t end_ps,
                              struct report_piece *out)
{
    size_t count = 0;
    for (size_t at = 0; at <= floor->count && pes > 0 && floor->count < REPORT_PIECES_MAX; at++) {
        struct report_piece gap = gap_at(floor, at);
        uint64_t part = min_u64(gap.to - gap.from, pes);
        if (part == 0)
            continue;
        out[count] = (struct report_piece){ gap.from, gap.from + part, end_ps };
        take(floor, at, out[count++]);
        pes -= part;
    }
    return count;
}

size_t report_floor_enter(struct report_floor *floor, uint64_t pes, uint64_t end_ps,
                          struct report_piece out[REPORT_PIECES_MAX])
{
    if (floor->count == REPORT_PIECES_MAX)
        return 0;
    size_t at = find_gap(floor, pes);
    if (at == SIZE_MAX)
        return enter_in_pieces(floor, pes, end_ps, out);
    struct report_piece gap = gap_at(floor, at);
    out[0] = (struct report_piece){ gap.from, gap.from + pes, end_ps };
    take(floor, at, out[0]);
    return 1;
}
