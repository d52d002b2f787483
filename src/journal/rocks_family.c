#include "journal/rocks_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "base/text.h"

/* The families of days: finding them, making them, dropping the expired ones. */

#define DAY_PREFIX "day-"

void rocks_day_name(char *out, int32_t day)
{
    snprintf(out, 32, DAY_PREFIX "%d", day);
}

bool rocks_day_of_name(const char *name, int32_t *day)
{
    int64_t number;

    if (strncmp(name, DAY_PREFIX, sizeof(DAY_PREFIX) - 1) != 0 ||
        !str_int64(str_of(name + sizeof(DAY_PREFIX) - 1), &number) || number != (int32_t)number)
        return false;
    *day = (int32_t)number;
    return true;
}

size_t rocks_day_lower_bound(const struct rocks_journal *j, int32_t day)
{
    size_t i = j->day_count;

    /* There are few days, and it is mostly one of the last. */
    while (i > 0 && j->days[i - 1].day >= day)
        i--;
    return i;
}

enum mu_err rocks_day_insert(struct rocks_journal *j, int32_t day, rocksdb_column_family_handle_t *handle)
{
    if (!ARRAY_RESERVE(j->days, j->day_cap, j->day_count + 1)) {
        rocksdb_column_family_handle_destroy(handle);
        return MU_E_NOMEM;
    }

    size_t at = rocks_day_lower_bound(j, day);
    assert(at == j->day_count || j->days[at].day > day);
    memmove(&j->days[at + 1], &j->days[at], (j->day_count - at) * sizeof(*j->days));
    j->days[at] = (struct rocks_day_family){ .day = day, .handle = handle };
    j->day_count++;
    return MU_OK;
}

rocksdb_column_family_handle_t *rocks_day_family(const struct rocks_journal *j, int32_t day)
{
    size_t at = rocks_day_lower_bound(j, day);
    return at < j->day_count && j->days[at].day == day ? j->days[at].handle : NULL;
}

enum mu_err rocks_day_require(struct rocks_journal *j, int32_t day)
{
    enum mu_err err;
    char name[32];
    char *text = NULL;

    if (rocks_day_family(j, day))
        return MU_OK;
    if ((err = rocks_writable(j)) != MU_OK)
        return err;

    rocks_day_name(name, day);
    pthread_rwlock_wrlock(&j->lock);
    rocksdb_column_family_handle_t *handle = rocksdb_create_column_family(j->db, rocks_day_options(j), name, &text);
    err = rocks_written(j, "create_day", text);
    if (err == MU_OK)
        err = rocks_day_insert(j, day, handle);
    pthread_rwlock_unlock(&j->lock);
    return err == MU_OK ? rocks_trust_note_day(j, &(struct rocks_day_family){ .day = day, .handle = handle }) : err;
}

/* Drops the oldest day's family. */
static enum mu_err day_drop_first(struct rocks_journal *j)
{
    assert(j->day_count > 0);
    char *text = NULL;
    int32_t day = j->days[0].day;
    enum mu_err err = rocks_trust_forget_day(j, day);

    if (err != MU_OK)
        return err;
    rocksdb_drop_column_family(j->db, j->days[0].handle, &text);
    if ((err = rocks_written(j, "drop_day", text)) != MU_OK)
        return err;

    pthread_rwlock_wrlock(&j->lock);
    rocksdb_column_family_handle_destroy(j->days[0].handle);
    j->day_count--;
    memmove(&j->days[0], &j->days[1], j->day_count * sizeof(*j->days));
    pthread_rwlock_unlock(&j->lock);

    log_event(LOG_INFO, "journal_day_expired", "day=%d", day);
    return MU_OK;
}

/* A day that is over gets no more records, so its memtable would stay in memory. It is written into tables while commits
 * go on. */
static enum mu_err flush_day_before(struct rocks_journal *j, int32_t today)
{
    rocksdb_column_family_handle_t *yesterday = rocks_day_family(j, today - 1);
    char *text = NULL;
    enum mu_err err;

    if (j->flushed_before == today || !yesterday)
        return MU_OK;
    if ((err = rocks_writable(j)) != MU_OK)
        return err;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 0);
    rocksdb_flush_cf(j->db, options, yesterday, &text);
    rocksdb_flushoptions_destroy(options);
    j->flushed_before = today;
    return rocks_written(j, "flush_day", text);
}

/* Dropping comes first and needs no reserve: it makes room on a full disk. */
enum mu_err rocks_roll(struct journal *port, int64_t now_us)
{
    struct rocks_journal *j = rocks_of(port);
    enum mu_err err;

    assert(!j->unchanged);
    if (!j->db && (err = rocks_writable(j)) != MU_OK)
        return err;

    /* A day is past retention when its end is, for then its last record is. */
    j->expiry_us = expiry_clock_read(&j->clock, now_us);
    j->oldest_day = expiry_oldest_day(j->expiry_us, j->retention_days);
    while (j->day_count > 0 && j->days[0].day < j->oldest_day)
        if ((err = day_drop_first(j)) != MU_OK)
            return err;

    int32_t today = expiry_day_of(now_us);
    if ((err = rocks_day_require(j, today)) != MU_OK || (err = rocks_day_require(j, today + 1)) != MU_OK)
        return err;
    return flush_day_before(j, today);
}
