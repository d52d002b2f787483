#include "journal/turn_spans.h"

#include <assert.h>
#include <string.h>

/* Spans of time in which numbers do not follow each other (turn_spans.h). */

bool turn_spans_touch(const struct turn_spans *spans, int64_t from_us, int64_t to_us)
{
    for (size_t i = 0; i < spans->count; i++)
        if (spans->at[i].from_us <= to_us && from_us <= spans->at[i].to_us)
            return true;
    return false;
}

static void remove_at(struct turn_spans *spans, size_t i)
{
    assert(i < spans->count);
    spans->count--;
    memmove(&spans->at[i], &spans->at[i + 1], (spans->count - i) * sizeof(spans->at[0]));
}

/* In the order of time; spans that overlap become one. */
static void insert(struct turn_spans *spans, int64_t from_us, int64_t to_us)
{
    size_t i = 0;

    assert(from_us <= to_us && spans->count < sizeof(spans->at) / sizeof(spans->at[0]));
    while (i < spans->count && spans->at[i].to_us < from_us)
        i++;
    while (i < spans->count && spans->at[i].from_us <= to_us) {
        from_us = spans->at[i].from_us < from_us ? spans->at[i].from_us : from_us;
        to_us = spans->at[i].to_us > to_us ? spans->at[i].to_us : to_us;
        remove_at(spans, i);
    }
    memmove(&spans->at[i + 1], &spans->at[i], (spans->count - i) * sizeof(spans->at[0]));
    spans->at[i] = (struct turn_span){ from_us, to_us };
    spans->count++;
}

/* Drops expired spans, and joins the nearest ones until there are few enough. */
static void trim(struct turn_spans *spans, int64_t oldest_us)
{
    while (spans->count && spans->at[0].to_us < oldest_us)
        remove_at(spans, 0);
    while (spans->count > TURN_SPANS_MAX) {
        size_t nearest = 0;
        for (size_t i = 1; i + 1 < spans->count; i++)
            if (spans->at[i + 1].from_us - spans->at[i].to_us <
                spans->at[nearest + 1].from_us - spans->at[nearest].to_us)
                nearest = i;
        spans->at[nearest].to_us = spans->at[nearest + 1].to_us;
        remove_at(spans, nearest + 1);
    }
}

void turn_spans_add(struct turn_spans *spans, int64_t from_us, int64_t to_us)
{
    insert(spans, from_us, to_us);
    trim(spans, INT64_MIN);
}

void turn_spans_turn(struct turn_spans *spans, int64_t from_us, int64_t ahead_us, int64_t last_us, int64_t oldest_us)
{
    insert(spans, from_us, from_us);
    insert(spans, ahead_us, last_us);
    trim(spans, oldest_us);
}

void turn_spans_encode(struct buf *out, const struct turn_spans *spans)
{
    assert(spans->count > 0 && spans->count <= TURN_SPANS_MAX);
    for (size_t i = 0; i < spans->count; i++) {
        buf_append_u64be(out, (uint64_t)spans->at[i].from_us);
        buf_append_u64be(out, (uint64_t)spans->at[i].to_us);
    }
}

enum mu_err turn_spans_decode(struct bytes in, struct turn_spans *out)
{
    out->count = 0;
    if (!in.left || in.left % TURN_SPAN_LEN || in.left > TURN_SPANS_MAX * TURN_SPAN_LEN)
        return MU_E_CORRUPT;
    while (in.left) {
        struct turn_span *s = &out->at[out->count++];
        s->from_us = (int64_t)bytes_u64be(&in);
        s->to_us = (int64_t)bytes_u64be(&in);
    }
    return MU_OK;
}
