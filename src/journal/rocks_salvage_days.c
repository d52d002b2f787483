#include "journal/rocks_salvage.h"

#include <stdlib.h>
#include <string.h>

/* Reads the days side by side: for each device its messages, then its session records, in the order of time. */

struct at_day {
    rocksdb_iterator_t *at;
    uint8_t key[RECORD_KEY_MAX]; /* the last one read: where to go on behind damage */
    size_t key_len;
};

struct salvage_run {
    uint32_t device;
    enum record_kind kind;
    uint64_t number, newest;
    int64_t ts_us, newest_us;
    struct turn_spans spans;
};

/* Everything after the newest record becomes one span, since records that are still to come may fall into it. */
static void end_run(struct journal_salvage *s, struct salvage_run *run)
{
    if (run->newest_us < run->ts_us)
        turn_spans_add(&run->spans, run->newest_us, run->ts_us);
    if (run->spans.count)
        rocks_turn_put(s->writes, run->device, run->kind, &run->spans);
    run->spans.count = 0;
}

static void follow(struct journal_salvage *s, struct salvage_run *run, uint32_t device, enum record_kind kind,
                   const struct record_head *head, struct rocks_salvage_tail *tail)
{
    if (run->device != device || run->kind != kind) {
        end_run(s, run);
        run->newest = 0;
    } else if (head->number != run->number + 1) {
        turn_spans_add(&run->spans, run->ts_us, head->ts_us);
        if (head->number > run->number)
            s->told->missing += head->number - run->number - 1;
        if (!s->told->since_us || run->ts_us < s->told->since_us)
            s->told->since_us = run->ts_us;
        tail->gap = true;
    }
    run->device = device;
    run->kind = kind;
    run->number = head->number;
    run->ts_us = head->ts_us;
    if (head->number > run->newest) {
        run->newest = head->number;
        run->newest_us = head->ts_us;
    }
}

static enum mu_err copy_message(struct journal_salvage *s, struct rocks_salvage_tail *tail, uint32_t device,
                                const struct record_head *head, struct bytes value)
{
    struct journal_message m;
    enum mu_err err = codec_message_decode(head, value, &m);

    if (err != MU_OK)
        return err;
    journal_batch_message(&s->writes->base, device, &m);
    s->told->messages++;
    if (m.number > tail->messages) {
        tail->messages = m.number;
        tail->decoded = m.decoded_number;
        tail->message_us = m.ts_us;
    }
    if (m.kind == MESSAGE_DEV2APP && m.ts_us > tail->last_report_us)
        tail->last_report_us = m.ts_us;
    return MU_OK;
}

static enum mu_err copy_session(struct journal_salvage *s, struct rocks_salvage_tail *tail, uint32_t device,
                                const struct record_head *head, struct bytes value)
{
    struct journal_session r;
    enum mu_err err = codec_session_decode(head, value, &r);

    if (err != MU_OK)
        return err;
    journal_batch_session(&s->writes->base, device, &r);
    s->told->sessions++;
    if (r.number > tail->sessions) {
        tail->sessions = r.number;
        tail->session_us = r.ts_us;
        tail->boot = r.end ? 0 : r.boot;
    }
    if (r.end)
        return MU_OK;
    if (r.boot > s->boot)
        s->boot = r.boot;
    if (!tail->first_login_us || r.ts_us < tail->first_login_us)
        tail->first_login_us = r.ts_us;
    if (r.ts_us > tail->last_login_us)
        tail->last_login_us = r.ts_us;
    return MU_OK;
}

/* An entry that cannot be read is left out, like those in a damaged block. */
static enum mu_err copy_record(struct journal_salvage *s, struct salvage_run *run, struct bytes key, struct bytes value)
{
    struct bytes left = key;
    struct record_head head;
    uint32_t device = bytes_u32be(&left);
    uint8_t kind = bytes_u8(&left);

    if (!device || rocks_head_decode(key, value, kind, &head) != MU_OK)
        return MU_OK;
    struct rocks_salvage_tail *tail = rocks_salvage_tail(s, device);
    if (!tail)
        return MU_E_NOMEM;
    if ((kind == RECORD_MESSAGE ? copy_message : copy_session)(s, tail, device, &head, value) != MU_OK)
        return MU_OK;
    follow(s, run, device, kind, &head, tail);
    return rocks_salvage_commit(s, false);
}

/* -1: all have ended. */
static int first_of(const struct at_day *days, size_t count)
{
    int first = -1;
    const char *least = NULL;
    size_t least_len = 0;

    for (size_t i = 0; i < count; i++) {
        size_t len;
        if (!rocksdb_iter_valid(days[i].at))
            continue;
        const char *key = rocksdb_iter_key(days[i].at, &len);
        if (first < 0 || memcmp(key, least, len < least_len ? len : least_len) < 0) {
            first = (int)i;
            least = key;
            least_len = len;
        }
    }
    return first;
}

static void go_on(struct at_day *day)
{
    size_t len;
    const char *key = rocksdb_iter_key(day->at, &len);

    day->key_len = len < sizeof(day->key) ? len : sizeof(day->key);
    memcpy(day->key, key, day->key_len);
    rocksdb_iter_next(day->at);
    rocks_step_over(day->at, day->key, day->key_len);
}

enum mu_err rocks_salvage_days(struct journal_salvage *s)
{
    size_t count = s->rest->day_count;
    struct at_day *days = calloc(count + 1, sizeof(*days));
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    struct salvage_run run = { 0 };
    enum mu_err err = days ? MU_OK : MU_E_NOMEM;
    int i;

    for (size_t k = 0; days && k < count; k++) {
        days[k].at = rocksdb_create_iterator_cf(s->rest->db, options, s->rest->days[k].handle);
        rocksdb_iter_seek_to_first(days[k].at);
        rocks_step_over(days[k].at, NULL, 0);
    }
    while (err == MU_OK && (i = first_of(days, count)) >= 0) {
        size_t key_len, len;
        const char *key = rocksdb_iter_key(days[i].at, &key_len), *value = rocksdb_iter_value(days[i].at, &len);
        err = copy_record(s, &run, bytes_of(key, key_len), bytes_of(value, len));
        go_on(&days[i]);
    }
    if (err == MU_OK)
        end_run(s, &run);
    for (size_t k = 0; days && k < count; k++)
        rocksdb_iter_destroy(days[k].at);
    rocksdb_readoptions_destroy(options);
    free(days);
    return err;
}
