#include <ctype.h>
#include <string.h>

#include "core/json.h"

#define NEAREST_MAX 64

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

static bool is_same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edits of one character, a swap of neighbours counting as one (optimal string alignment);
 * upper and lower case are the same. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    size_t rows[3][NEAREST_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t substituted = last[j - 1] + !is_same(a[i - 1], b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, substituted);
            bool swapped =
                i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) && is_same(a[i - 2], b[j - 1]);
            if (swapped && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b_length];
}

const char *json_nearest(const char *given, const char *const *names, size_t count)
{
    size_t length = strlen(given);
    if (length == 0 || length > NEAREST_MAX)
        return NULL;
    const char *best = NULL;
    size_t allowed = length < 6 ? 1 : length / 3;
    size_t best_distance = allowed + 1;
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) > NEAREST_MAX)
            continue;
        size_t distance = edit_distance(given, names[i]);
        if (distance < best_distance && distance < strlen(names[i])) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
