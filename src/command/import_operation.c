/* The rows of a batch, wherever the data directory is open: in the server or in the command's process.
 *
 * The registry takes the rows first. Then the journal takes what they tell about their devices' past. If a crash
 * comes in between, the same rows are given again: they change nothing in the registry, and are told to the journal
 * again; the journal keeps what it knows already. */
#include "command/import_operation.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "command/commands.h"
#include "ops/local.h"

/* --- what goes over the socket --------------------------------------------------------------------*/

void import_operation_request(struct buf *out, const struct import_batch *batch)
{
    buf_printf(out, "rows %u %u %" PRIu64 " %zu\n", batch->kind, batch->mac_lower, batch->entry, batch->seen.len);
    buf_append(out, batch->seen.at, batch->seen.len);
    buf_append(out, batch->rows.at, batch->rows.len);
}

void import_operation_warnings(struct buf *out, struct str styled)
{
    buf_append_str(out, "warnings\n");
    buf_append(out, styled.at, styled.len);
}

static bool read_request(struct str input, struct import_batch *batch)
{
    char head[100];
    unsigned kind, mac_lower;
    size_t seen;
    const char *end = memchr(input.at, '\n', input.len);

    if (!end || !str_copy(head, sizeof(head), (struct str){ input.at, (size_t)(end - input.at) }) ||
        sscanf(head, "rows %u %u %" SCNu64 " %zu", &kind, &mac_lower, &batch->entry, &seen) != 4 ||
        kind > IMPORT_BINDINGS)
        return false;
    input.len -= (size_t)(end + 1 - input.at);
    if (seen > input.len)
        return false;
    batch->kind = (enum import_kind)kind;
    batch->mac_lower = mac_lower;
    batch->seen = (struct str){ end + 1, seen };
    batch->rows = (struct str){ end + 1 + seen, input.len - seen };
    return true;
}

static void write_result(const struct import_batch *batch, struct buf *answer)
{
    buf_printf(answer, "%u %u %u %u %" PRIu64 " %zu %zu\n", batch->created, batch->updated, batch->unchanged,
               batch->refused, batch->entry, batch->numbers.len, batch->styled.len);
    buf_append(answer, batch->numbers.data, batch->numbers.len);
    buf_append(answer, batch->styled.data, batch->styled.len);
    buf_append(answer, batch->report->data, batch->report->len);
}

bool import_operation_result(struct str answer, struct import_result *out)
{
    size_t numbers, styled;
    const char *end = answer.len ? memchr(answer.at, '\n', answer.len) : NULL;
    char head[100];

    if (!end || !str_copy(head, sizeof(head), (struct str){ answer.at, (size_t)(end - answer.at) }) ||
        sscanf(head, "%u %u %u %u %" SCNu64 " %zu %zu", &out->created, &out->updated, &out->unchanged, &out->refused,
               &out->entry, &numbers, &styled) != 7)
        return false;
    answer.len -= (size_t)(end + 1 - answer.at);
    if (numbers > answer.len || styled > answer.len - numbers)
        return false;
    out->numbers = (struct str){ end + 1, numbers };
    out->styled = (struct str){ end + 1 + numbers, styled };
    out->mistakes = (struct str){ end + 1 + numbers + styled, answer.len - numbers - styled };
    return true;
}

/* --- the devices' past ----------------------------------------------------------------------------*/

struct told_sink {
    struct commit_sink sink;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    size_t waiting;
    bool flushed;
    enum mu_err err;
};

static void told_done(struct commit_sink *sink, uint64_t owner, uint64_t tag, enum mu_err err)
{
    struct told_sink *s = (struct told_sink *)sink;

    (void)owner, (void)tag;
    pthread_mutex_lock(&s->lock);
    assert(s->waiting > 0);
    s->waiting--;
    if (err != MU_OK && err != MU_E_NOT_FOUND) /* not found: the device was deleted in the meantime */
        s->err = err;
    pthread_mutex_unlock(&s->lock);
}

static void told_flush(struct commit_sink *sink)
{
    struct told_sink *s = (struct told_sink *)sink;

    pthread_mutex_lock(&s->lock);
    s->flushed = s->waiting == 0;
    if (s->flushed)
        pthread_cond_signal(&s->answered);
    pthread_mutex_unlock(&s->lock);
}

static void hand_over(struct committer *c, struct told_sink *s, const struct import_told *told,
                      const struct import_batch *batch)
{
    struct commit_history history = { .activated_at = told->activated_at,
                                      .online_latest = told->online_latest,
                                      .last_report = told->last_report };

    _Static_assert(sizeof(history.versions) == sizeof(told->versions), "the same versions");
    memcpy(&history.versions, told->versions, sizeof(history.versions));
    assert((told->first_day + told->day_count) * sizeof(int32_t) <= batch->days.len);
    /* Without days the buffer may have no memory. */
    const int32_t *days = told->day_count ? (const int32_t *)(const void *)batch->days.data + told->first_day : NULL;
    committer_history(c, &(struct commit_item){ .sink = &s->sink, .tag = 1, .device = told->device }, &history, days,
                      told->day_count);
}

/* Hands the past of the devices to the journal, and returns when it is on disk. */
static enum mu_err tell_journal(struct committer *c, const struct import_batch *batch)
{
    const struct import_told *told = (const void *)batch->told.data;
    assert(batch->told.len % sizeof(*told) == 0 && batch->told.len);
    size_t count = batch->told.len / sizeof(*told);
    struct told_sink s = { .sink = { .done = told_done, .flush = told_flush },
                           .lock = PTHREAD_MUTEX_INITIALIZER,
                           .answered = PTHREAD_COND_INITIALIZER,
                           .waiting = count };

    for (size_t i = 0; i < count; i++)
        hand_over(c, &s, &told[i], batch);
    pthread_mutex_lock(&s.lock);
    while (!s.flushed)
        pthread_cond_wait(&s.answered, &s.lock);
    pthread_mutex_unlock(&s.lock);
    pthread_cond_destroy(&s.answered);
    pthread_mutex_destroy(&s.lock);
    return s.err;
}

/* --- the operation --------------------------------------------------------------------------------*/

static int run_batch(const struct operation_call *call)
{
    struct committer *c = call->stores->committer;
    const struct audit_by by = { .uid = call->uid, .command = "import" };
    struct import_batch batch = { .now_s = clock_wall_s() };
    struct buf report;
    enum mu_err err;

    if (!read_request(call->input, &batch)) {
        buf_append_str(call->answer, "the running server does not understand the rows; is it of another version?\n");
        return 1;
    }
    buf_init(&report, LOCAL_ANSWER_MAX / 2);
    batch.report = &report;
    err = import_rows(call->stores->registry, &by, &batch);
    /* At rest nobody asks the fleet: it must follow the registry only if the journal is told about devices. */
    if (err == MU_OK && (batch.told.len || (call->access && batch.created + batch.updated)))
        err = committer_follow_registry(c);
    if (err == MU_OK && batch.told.len)
        err = tell_journal(c, &batch);
    if (err == MU_OK)
        write_result(&batch, call->answer);
    import_batch_free(&batch);
    buf_free(&report);
    return operation_result(call, err);
}

static int run_warnings(const struct operation_call *call, struct str styled)
{
    struct buf tallies;

    buf_init(&tallies, styled.len);
    buf_append(&tallies, styled.at, styled.len); /* a copy, since it must be aligned */
    enum mu_err err = tallies.err;
    if (err == MU_OK)
        err = import_warnings(call->stores->registry, (const struct import_mac_tally *)(const void *)tallies.data,
                              tallies.len / sizeof(struct import_mac_tally), call->answer);
    buf_free(&tallies);
    return operation_result(call, err);
}

static int run_import(const struct operation_call *call)
{
    struct str input = call->input;

    return str_eq(str_take_line(&input), STR("warnings")) ? run_warnings(call, input) : run_batch(call);
}

const struct operation import_operation = { .name = "import", .needs = STORES_ALL, .run = run_import, .changes = true };
