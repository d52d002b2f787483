#include "journal/rocks_scan.h"

/* Reading a page of a window. Its rows have consecutive order numbers (struct rocks_spot), so the number of the first row
 * is known before any row is read. The record with that number is found by search: order grows with time, so a number
 * between those of two known records lies near the moment between theirs. */

/* Records passed one by one before a search is worth its seeks. */
enum { STEPS = 64 };
/* So many guesses from the rate are tried before the span is halved instead. A day has 2^37 microseconds, so a search
 * takes at most 8 + 37 seeks; for devices that report at a steady rate it takes 3 to 5. */
enum { GUESSES = 8, AIM = 8 };

struct journal_page {
    struct rocks_scan scan;
    struct rocks_spot first, last; /* of the window */
    enum mu_err (*emit)(struct journal_page *p);
    enum mu_err (*message)(void *ctx, const struct journal_message *m);
    enum mu_err (*session)(void *ctx, const struct journal_session *s);
    void *ctx;
};

static enum mu_err find_ends(struct journal_page *p, bool *found)
{
    struct rocks_scan *s = &p->scan;
    enum mu_err err = MU_OK;

    *found = false;
    for (size_t f = s->first_family; err == MU_OK && !*found && f < s->end_family; f++)
        err = rocks_scan_first(s, f, found);
    if (err != MU_OK || !*found)
        return err;
    p->first = s->here;

    *found = false;
    for (size_t f = s->end_family; err == MU_OK && !*found && f > p->first.family; f--)
        err = rocks_scan_last(s, f - 1, found);
    p->last = s->here;
    return err == MU_OK && !*found ? MU_E_CORRUPT : err;
}

static enum mu_err go_to(struct rocks_scan *s, struct rocks_spot spot)
{
    bool found;
    enum mu_err err = rocks_scan_seek(s, spot.family, spot.ts_us, &found);
    return err == MU_OK && !found ? MU_E_CORRUPT : err;
}

/* Brings low and high into one family, with low's order below the target and high's not. If the family's first record is
 * the target, makes them equal. */
static enum mu_err narrow_to_family(struct rocks_scan *s, uint64_t target, struct rocks_spot *low,
                                    struct rocks_spot *high)
{
    enum mu_err err;
    bool found;

    for (size_t f = low->family; f < high->family; f++) {
        if ((err = rocks_scan_last(s, f, &found)) != MU_OK)
            return err;
        if (found && s->here.order >= target)
            *high = s->here;
        else if (found)
            *low = s->here;
    }
    if (low->family == high->family)
        return MU_OK;
    if ((err = rocks_scan_first(s, high->family, &found)) != MU_OK)
        return err;
    *low = s->here;
    if (s->here.order >= target)
        *high = s->here;
    return MU_OK;
}

/* The moment at which the target number is expected between low and high, shifted by `aim`. */
static int64_t guess(const struct rocks_spot *low, const struct rocks_spot *high, uint64_t target, int aim)
{
    double part = ((double)(target - low->order) + aim) / (double)(high->order - low->order);
    return low->ts_us + (int64_t)(part * (double)(high->ts_us - low->ts_us));
}

/* Moves to the first record between low and high whose order is the target or above. Guesses aim a little below and a
 * little above in turn, which brings both ends near; the rest is a few steps. */
static enum mu_err search(struct rocks_scan *s, uint64_t target, struct rocks_spot low, struct rocks_spot high)
{
    enum mu_err err;
    bool found;

    if (low.order >= target)
        return go_to(s, low);
    if ((err = narrow_to_family(s, target, &low, &high)) != MU_OK)
        return err;

    /* Everything in the family from `end` on has an order of the target or above. */
    int64_t end = high.ts_us;
    for (int i = 0; high.number - low.number > 2 * AIM && end - low.ts_us > 1; i++) {
        int64_t at = i < GUESSES ? guess(&low, &high, target, i % 2 ? AIM : -AIM) : low.ts_us + (end - low.ts_us) / 2;
        if (at <= low.ts_us)
            at = low.ts_us + 1;
        if (at >= end)
            at = end - 1;
        if ((err = rocks_scan_seek(s, low.family, at, &found)) != MU_OK)
            return err;
        if (!found)
            return MU_E_CORRUPT;
        if (s->here.order < target) {
            low = s->here;
        } else {
            high = s->here;
            end = at;
        }
    }
    if (end - low.ts_us <= 1)
        return go_to(s, high);

    if ((err = go_to(s, low)) != MU_OK)
        return err;
    for (found = true; found && s->here.order < target;)
        if ((err = rocks_scan_next(s, &found)) != MU_OK)
            return err;
    return found ? MU_OK : MU_E_CORRUPT;
}

/* Moves up from `here` to the counted record with that order; if records are missing, to the next one after it. *found
 * is false past the last record. */
static enum mu_err go_up(struct journal_page *p, uint64_t target, bool *found)
{
    struct rocks_scan *s = &p->scan;
    enum mu_err err = MU_OK;

    *found = true;
    for (int i = 0; err == MU_OK && *found; i++) {
        if (s->here.order >= target && s->here.counted)
            break;
        if (s->here.order >= target)
            target = s->here.order + 1;
        if (target > p->last.order)
            *found = false;
        else if (i < STEPS)
            err = rocks_scan_next(s, found);
        else
            err = search(s, target, s->here, p->last);
    }
    return err;
}

/* The same downwards: the one with that order or the next one before it. */
static enum mu_err go_down(struct journal_page *p, uint64_t target, bool *found)
{
    struct rocks_scan *s = &p->scan;
    enum mu_err err = MU_OK;

    *found = true;
    for (int i = 0; err == MU_OK && *found; i++) {
        if (s->here.order <= target && s->here.counted)
            break;
        /* Of the records with one order the counted one is the first. */
        if (s->here.order < target)
            target = s->here.order;
        if (target < p->first.order || (target == p->first.order && !p->first.counted))
            *found = false;
        else if (i < STEPS)
            err = rocks_scan_prev(s, found);
        else if ((err = search(s, target, p->first, s->here)) == MU_OK && (s->here.order > target || !s->here.counted))
            err = rocks_scan_prev(s, found);
    }
    return err;
}

static enum mu_err emit_message(struct journal_page *p)
{
    struct journal_message m;
    enum mu_err err = codec_message_decode(&p->scan.head, rocks_scan_value(&p->scan), &m);
    return err == MU_OK ? p->message(p->ctx, &m) : err;
}

static enum mu_err emit_session(struct journal_page *p)
{
    struct journal_session s;
    enum mu_err err = codec_session_decode(&p->scan.head, rocks_scan_value(&p->scan), &s);
    return err == MU_OK ? p->session(p->ctx, &s) : err;
}

static enum mu_err emit_rows(struct journal_page *p, const struct journal_window *w, uint64_t before, uint64_t total)
{
    enum mu_err err = MU_OK;
    bool found = true;

    if (w->skip >= total)
        return MU_OK;
    uint64_t rows = w->limit < total - w->skip ? w->limit : total - w->skip;
    uint64_t target = w->newest_first ? before + total - w->skip : before + 1 + w->skip;
    if (rows && !w->newest_first)
        err = go_to(&p->scan, p->first);

    for (; err == MU_OK && rows > 0; rows--) {
        err = w->newest_first ? go_down(p, target, &found) : go_up(p, target, &found);
        if (err != MU_OK || !found)
            break;
        err = p->emit(p);
        target = w->newest_first ? p->scan.here.order - 1 : p->scan.here.order + 1;
    }
    return err;
}

/* For windows with a turn: the records are counted and skipped one by one. */
static enum mu_err walk_page(struct journal_page *p, const struct journal_window *w, uint64_t *total)
{
    struct rocks_scan *s = &p->scan;
    uint64_t skip = w->skip, rows = w->limit;
    bool found = true;
    enum mu_err err = go_to(s, p->first);

    while (err == MU_OK && found) {
        *total += s->here.counted;
        err = rocks_scan_next(s, &found);
    }
    if (err != MU_OK || skip >= *total || !rows)
        return err;
    found = true;
    err = w->newest_first ? rocks_scan_last(s, p->last.family, &found) : go_to(s, p->first);
    while (err == MU_OK && found && rows) {
        if (s->here.counted && skip)
            skip--;
        else if (s->here.counted && (err = p->emit(p)) == MU_OK)
            rows--;
        if (err == MU_OK && rows)
            err = w->newest_first ? rocks_scan_prev(s, &found) : rocks_scan_next(s, &found);
    }
    return err;
}

static enum mu_err read_page(struct journal_page *p, struct rocks_journal *j, uint32_t device, enum record_kind kind,
                             const struct journal_window *w, uint64_t *total)
{
    enum mu_err err;
    bool found, turned;
    int64_t from = w->from_us > 0 ? w->from_us : 0;
    int64_t to = w->to_us < INT64_MAX ? w->to_us : INT64_MAX - 1;

    *total = 0;
    if (from > to)
        return MU_OK;

    pthread_rwlock_rdlock(&j->lock);
    if (!j->db) {
        err = MU_E_IO;
        goto out;
    }
    p->scan = (struct rocks_scan){
        .journal = j, .device = device, .kind = kind, .decoded_only = w->decoded_only && kind == RECORD_MESSAGE
    };
    rocks_scan_open(&p->scan, from, to);
    if ((err = find_ends(p, &found)) != MU_OK || !found)
        goto close;

    if ((err = rocks_turn_touches(j, device, kind, p->first.ts_us, p->last.ts_us, &turned)) != MU_OK)
        goto close;
    if (turned) {
        err = walk_page(p, w, total);
        goto close;
    }

    /* Counted records of the device before the window, and up to its end. */
    uint64_t before = p->first.order - p->first.counted;
    if (p->last.order < before) {
        err = MU_E_CORRUPT;
        goto close;
    }
    *total = p->last.order - before;
    err = emit_rows(p, w, before, *total);
close:
    rocks_scan_close(&p->scan);
out:
    pthread_rwlock_unlock(&j->lock);
    return err;
}

enum mu_err rocks_messages(struct journal *port, uint32_t device, const struct journal_window *w,
                           enum mu_err (*row)(void *ctx, const struct journal_message *m), void *ctx, uint64_t *total)
{
    struct rocks_journal *j = rocks_of(port);
    struct journal_page p = { .emit = emit_message, .message = row, .ctx = ctx };
    return read_page(&p, j, device, RECORD_MESSAGE, w, total);
}

enum mu_err rocks_sessions(struct journal *port, uint32_t device, const struct journal_window *w,
                           enum mu_err (*row)(void *ctx, const struct journal_session *s), void *ctx, uint64_t *total)
{
    struct rocks_journal *j = rocks_of(port);
    struct journal_page p = { .emit = emit_session, .session = row, .ctx = ctx };
    return read_page(&p, j, device, RECORD_SESSION, w, total);
}
