#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

void fuzz_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

static void show(const char *what, const struct buf *b, size_t from)
{
    fprintf(stderr, "%s, %zu bytes, from %zu on: ", what, b->len, from);
    for (size_t i = from; i < b->len && i < from + 200; i++)
        fprintf(stderr, b->data[i] >= ' ' && b->data[i] < 0x7f ? "%c" : "\\x%02x", b->data[i]);
    fputc('\n', stderr);
}

void fuzz_check_same(const char *file, int line, const struct buf *a, const struct buf *b)
{
    size_t at = 0;

    while (at < a->len && at < b->len && a->data[at] == b->data[at])
        at++;
    if (at == a->len && at == b->len && a->err == b->err)
        return;
    show("the one", a, at < 40 ? 0 : at - 40);
    show("the other", b, at < 40 ? 0 : at - 40);
    fuzz_failed(file, line, "both are the same");
}

/* --- splits ----------------------------------------------------------------------------------------*/
static size_t below(uint64_t *state, size_t n)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(*state >> 33) % n;
}

struct fuzz_split fuzz_split(const uint8_t *input, size_t len)
{
    static const size_t sizes[] = { 1, 2, 8, 64, 1024 };
    struct fuzz_split split = { .state = 14695981039346656037u };

    for (size_t i = 0; i < len; i++)
        split.state = (split.state ^ input[i]) * 1099511628211u;
    split.most = sizes[below(&split.state, sizeof(sizes) / sizeof(sizes[0]))];
    return split;
}

size_t fuzz_next_part(struct fuzz_split *split, size_t left)
{
    if (split->most == SIZE_MAX)
        return left;
    size_t part = 1 + below(&split->state, split->most);
    return part < left ? part : left;
}
