#include "journal/rocks_salvage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* The damaged journal is read twice. Up to the first batch that cannot be read it is of one moment: from there
 * come states, versions, days of activity, events and controls, which agree with each other. Messages and session
 * records can do without that, so they come from all that can be read, and a state is brought up to them. A
 * journal that RocksDB cannot open at all is put together from its tables first, in a copy (of links: none of its
 * files is written to). */

enum { COMMIT_BYTES = 4 * 1024 * 1024 };

/* --- opening --------------------------------------------------------------------------------------*/

static enum mu_err open_lenient(struct journal **out, const char *dir, const char *mode)
{
    char why[512];
    struct journal *j;
    enum mu_err err = rocks_create(&j, dir, &(struct journal_options){ 0 });

    *out = NULL;
    if (err != MU_OK)
        return err;
    j->unchanged = j->lenient = true;
    rocks_options_trust_nothing(&j->options, mode);
    if ((err = rocks_open(j, why, sizeof why)) != MU_OK)
        journal_close(j);
    else
        *out = j;
    return err;
}

static enum mu_err link_files(const char *from, const char *to)
{
    char source[4600], target[4600];
    struct dirent *entry;
    struct stat st;
    enum mu_err err = MU_OK;
    DIR *dir = opendir(from);

    if (!dir)
        return errno == ENOENT ? MU_E_NOT_FOUND : MU_E_IO;
    while (err == MU_OK && (entry = readdir(dir))) {
        snprintf(source, sizeof source, "%.4200s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%.4300s/%s", to, entry->d_name);
        if (lstat(source, &st) == 0 && S_ISREG(st.st_mode) && strncmp(entry->d_name, "LO", 2) != 0 &&
            link(source, target) != 0)
            err = MU_E_IO;
    }
    closedir(dir);
    return err;
}

/* Both handles are of the copy then. */
static enum mu_err open_rebuilt(struct journal_salvage *s, const char *scratch)
{
    char from[4200], dir[4200], to[4300];
    char *text = NULL;
    enum mu_err err;

    snprintf(from, sizeof from, "%s/journal", s->from);
    snprintf(dir, sizeof dir, "%s/salvage", scratch);
    snprintf(to, sizeof to, "%s/journal", dir);
    if (mkdir(dir, 0700) != 0 || mkdir(to, 0700) != 0)
        return MU_E_IO;
    if ((err = link_files(from, to)) != MU_OK)
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    struct journal *j;
    if ((err = rocks_create(&j, dir, &(struct journal_options){ 0 })) != MU_OK)
        return err;
    rocksdb_repair_db(j->options.fixed, to, &text);
    journal_close(j);
    if (text)
        rocksdb_free(text);
    s->rebuilt = true;
    /* What cannot be opened even now is nothing. */
    if (open_lenient(&s->whole, dir, "kPointInTimeRecovery") == MU_OK &&
        open_lenient(&s->rest, dir, "kPointInTimeRecovery") != MU_OK) {
        journal_close(s->whole);
        s->whole = NULL;
    }
    return MU_OK;
}

/* --- what it has seen -----------------------------------------------------------------------------*/

static uint32_t last_device(struct journal *j, rocksdb_column_family_handle_t *family)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(j->db, options, family);
    uint32_t device = 0;
    size_t len;

    rocksdb_iter_seek_to_last(at);
    if (rocksdb_iter_valid(at)) {
        struct bytes key = bytes_of(rocksdb_iter_key(at, &len), 4);
        device = len >= 4 ? bytes_u32be(&key) : 0;
    }
    rocksdb_iter_destroy(at);
    rocksdb_readoptions_destroy(options);
    return device;
}

static void see_device(struct journal_salvage *s, uint32_t device)
{
    if (device > s->seen.device)
        s->seen.device = device;
}

/* Calls fn for every entry of a family that can be read. true: some cannot. */
static bool walk(struct journal *j, enum fixed_family family,
                 enum mu_err (*fn)(struct journal_salvage *s, struct bytes key, struct bytes value),
                 struct journal_salvage *s, enum mu_err *err)
{
    uint8_t last[RECORD_KEY_MAX];
    size_t last_len = 0, key_len, len;
    bool damaged = !j->fixed[family];

    if (damaged)
        return *err = MU_OK, true;
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    /* Damage among deleted ranges is more than an iterator of RocksDB 7.8 survives; what was deleted in a range
     * has expired, and does so again. */
    rocksdb_readoptions_set_ignore_range_deletions(options, 1);
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(j->db, options, j->fixed[family]);
    *err = MU_OK;
    rocksdb_iter_seek_to_first(at);
    damaged |= rocks_step_over(at, NULL, 0);
    while (*err == MU_OK && rocksdb_iter_valid(at)) {
        const char *key = rocksdb_iter_key(at, &key_len), *value = rocksdb_iter_value(at, &len);
        *err = fn(s, bytes_of(key, key_len), bytes_of(value, len));
        last_len = key_len < sizeof last ? key_len : sizeof last;
        memcpy(last, key, last_len);
        rocksdb_iter_next(at);
        damaged |= rocks_step_over(at, last, last_len);
    }
    rocksdb_iter_destroy(at);
    rocksdb_readoptions_destroy(options);
    return damaged;
}

static enum mu_err see_state(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    struct journal_state state;

    if (key.left != DEVICE_KEY_LEN || state_decode(value, &state) != MU_OK)
        return MU_OK;
    see_device(s, bytes_u32be(&key));
    if (state.definition > s->definition)
        s->definition = state.definition;
    if (state.session_boot > s->boot)
        s->boot = state.session_boot;
    return MU_OK;
}

static void see(struct journal_salvage *s)
{
    struct journal_registry told;
    enum mu_err err;

    if (s->marked) {
        memcpy(s->seen.id, s->acknowledged.id, sizeof s->seen.id);
        s->boot = s->acknowledged.epoch;
    }
    if (!s->whole)
        return;
    if (rocks_trust_tell(s->whole, &s->there, &told) == MU_OK) {
        s->seen.change = told.change;
        see_device(s, told.device);
        if (mark_has_id(&s->there))
            memcpy(s->seen.id, s->there.id, sizeof s->seen.id);
        if (s->there.epoch > s->boot)
            s->boot = s->there.epoch;
    }
    walk(s->whole, FAMILY_STATE, see_state, s, &err);
    for (size_t i = 0; i < s->rest->day_count; i++)
        see_device(s, last_device(s->rest, s->rest->days[i].handle));
}

enum mu_err journal_salvage_open(struct journal_salvage **out, const char *from, const char *scratch, char *why,
                                 size_t why_size)
{
    char path[4200];
    struct journal_salvage *s = calloc(1, sizeof *s);
    enum mu_err err;

    *out = NULL;
    if (!s || !(s->from = strdup(from))) {
        free(s);
        return MU_E_NOMEM;
    }
    snprintf(path, sizeof path, "%s/" JOURNAL_MARK, from);
    s->marked = mark_read(path, &s->acknowledged) == MU_OK;
    err = open_lenient(&s->whole, from, "kPointInTimeRecovery");
    if (err == MU_OK && (!s->whole->fixed[FAMILY_STATE] ||
                         (err = open_lenient(&s->rest, from, "kSkipAnyCorruptedRecords")) != MU_OK)) {
        journal_close(s->whole);
        s->whole = NULL;
        err = MU_E_CORRUPT;
    }
    if (!s->whole && err != MU_E_NOMEM)
        err = open_rebuilt(s, scratch);
    if (err != MU_OK) {
        snprintf(why, why_size, "cannot read what is left of %s/journal: %s", from,
                 err == MU_E_IO ? strerror(errno) : mu_err_text(err));
        journal_salvage_close(s);
        return err;
    }
    see(s);
    *out = s;
    return MU_OK;
}

struct journal_registry journal_salvage_seen(const struct journal_salvage *s, uint32_t *definition)
{
    *definition = s->definition;
    return s->seen;
}

void journal_salvage_close(struct journal_salvage *s)
{
    if (!s)
        return;
    journal_close(s->whole);
    journal_close(s->rest);
    free(s->tails);
    free(s->from);
    free(s);
}

/* --- copying --------------------------------------------------------------------------------------*/

struct tail *salvage_tail(struct journal_salvage *s, uint32_t device)
{
    if (device >= s->tail_count) {
        uint32_t count = device < 1024 ? 1024 : device + device / 2;
        struct tail *tails = realloc(s->tails, count * sizeof *tails);
        if (!tails)
            return NULL;
        memset(tails + s->tail_count, 0, (count - s->tail_count) * sizeof *tails);
        s->tails = tails;
        s->tail_count = count;
    }
    return &s->tails[device];
}

enum mu_err salvage_commit(struct journal_salvage *s, bool last)
{
    if (!last && journal_batch_bytes(s->writes) < COMMIT_BYTES && s->writes->err == MU_OK)
        return MU_OK;
    return journal_commit(s->to, s->writes, clock_wall_us());
}

/* What a device's records tell is told by its state, too. */
static void bring_up(struct journal_state *state, const struct tail *tail)
{
    if (tail->messages) {
        state->messages = tail->messages;
        state->decoded = tail->decoded;
        if (tail->message_us > state->last_ts_us)
            state->last_ts_us = tail->message_us;
    }
    if (tail->sessions && tail->sessions != state->sessions) {
        state->sessions = tail->sessions;
        state->session_boot = tail->boot;
        if (tail->session_us > state->last_session_us)
            state->last_session_us = tail->session_us;
    }
    if (tail->last_report_us / 1000000 > state->last_report)
        state->last_report = tail->last_report_us / 1000000;
    if (tail->last_login_us / 1000000 > state->online_latest)
        state->online_latest = tail->last_login_us / 1000000;
    if (!state->activated_at)
        state->activated_at = tail->first_login_us / 1000000;
}

static enum mu_err put_state(struct journal_salvage *s, uint32_t device, struct journal_state *state,
                             const struct tail *tail)
{
    bring_up(state, tail);
    /* An open event is of a point that is 1 in the image, and the other way round. */
    if (s->told->states || s->told->events) {
        state->definition = 0;
        state->image = NULL;
        state->image_len = 0;
    }
    journal_batch_state(s->writes, device, state);
    if (state->active_day)
        journal_batch_active(s->writes, state->active_day, device);
    return salvage_commit(s, false);
}

static enum mu_err copy_state(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    struct journal_state state;
    uint32_t device = bytes_u32be(&key);

    if (key.bad || key.left || !device || state_decode(value, &state) != MU_OK)
        return MU_OK;
    struct tail *tail = salvage_tail(s, device);
    if (!tail)
        return MU_E_NOMEM;
    tail->has_state = true;
    return put_state(s, device, &state, tail);
}

static enum mu_err make_states(struct journal_salvage *s)
{
    enum mu_err err = MU_OK;

    for (uint32_t device = 1; device < s->tail_count && err == MU_OK; device++) {
        const struct tail *tail = &s->tails[device];
        bool lost = (tail->messages || tail->sessions) && !tail->has_state;
        if (lost)
            err = put_state(s, device, &(struct journal_state){ 0 }, tail);
        s->told->devices += lost || tail->gap;
    }
    return err;
}

static void put_raw(struct journal_salvage *s, enum fixed_family family, struct bytes key, struct bytes value)
{
    if (batch_usable(s->writes))
        rocksdb_writebatch_put_cf(s->writes->writes, s->to->fixed[family], (const char *)key.at, key.left,
                                  (const char *)value.at, value.left);
}

static enum mu_err copy_versions(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    struct journal_versions versions;

    if (key.left == DEVICE_KEY_LEN && versions_decode(value, &versions) == MU_OK)
        put_raw(s, FAMILY_VERSIONS, key, value);
    return salvage_commit(s, false);
}

static enum mu_err copy_activity(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    if (key.left == ACTIVITY_DAY_LEN || (key.left == ACTIVITY_KEY_LEN && !value.left))
        put_raw(s, FAMILY_ACTIVITY, key, value);
    return salvage_commit(s, false);
}

static enum mu_err copy_event(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    struct journal_event event;
    uint32_t device;

    if (event_decode(key, value, &device, &event) == MU_OK &&
        (event.resolved_us || !(s->told->states || s->told->events)))
        put_raw(s, FAMILY_EVENTS, key, value);
    return salvage_commit(s, false);
}

static enum mu_err copy_control(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    struct journal_control control;

    if (control_decode(key, value, &control) == MU_OK)
        put_raw(s, FAMILY_CONTROLS, key, value);
    return salvage_commit(s, false);
}

/* When starts were last alive: by that, sessions that were open ended. */
static enum mu_err copy_alive(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    if (key.left == ALIVE_KEY_LEN && memcmp(key.at, "alive", 5) == 0 && value.left == 16)
        put_raw(s, FAMILY_META, key, value);
    return MU_OK;
}

static void tell_commits(struct journal_salvage *s)
{
    int64_t alive_us = s->whole ? journal_boot_alive_us(s->whole, s->there.epoch) : 0;
    bool behind = s->marked && (s->there.epoch != s->acknowledged.epoch || s->there.count < s->acknowledged.count);

    if (!behind)
        return;
    s->told->commits = s->there.epoch == s->acknowledged.epoch ? s->acknowledged.count - s->there.count : UINT64_MAX;
    if (alive_us && (!s->told->since_us || alive_us < s->told->since_us))
        s->told->since_us = alive_us;
}

static enum mu_err copy_all(struct journal_salvage *s)
{
    enum mu_err err;
    char why[300];

    rocks_count_nothing();
    s->told->states = s->rebuilt || rocks_read_family(s->whole, s->whole->fixed[FAMILY_STATE], why, sizeof why) != MU_OK;
    s->told->events = s->rebuilt || !s->whole->fixed[FAMILY_EVENTS] ||
                      rocks_read_family(s->whole, s->whole->fixed[FAMILY_EVENTS], why, sizeof why) != MU_OK;
    if ((err = salvage_days(s)) != MU_OK)
        return err;
    walk(s->whole, FAMILY_STATE, copy_state, s, &err);
    if (err != MU_OK || (err = make_states(s)) != MU_OK)
        return err;
    walk(s->whole, FAMILY_VERSIONS, copy_versions, s, &err);
    if (err == MU_OK)
        walk(s->whole, FAMILY_ACTIVITY, copy_activity, s, &err);
    if (err == MU_OK)
        walk(s->whole, FAMILY_EVENTS, copy_event, s, &err);
    if (err == MU_OK)
        walk(s->whole, FAMILY_CONTROLS, copy_control, s, &err);
    return err == MU_OK ? salvage_commit(s, true) : err;
}

/* The last write: the new journal goes on with the numbers of the old one's starts. */
static enum mu_err take_over_starts(struct journal_salvage *s, const char *to)
{
    enum mu_err err = MU_OK;

    mark_close(&s->to->mark);
    s->to->boot = s->boot + 1;
    s->to->commits = 0;
    if (s->whole)
        walk(s->whole, FAMILY_META, copy_alive, s, &err);
    if (err == MU_OK) {
        rocks_put_boot(s->to, s->writes->writes);
        err = salvage_commit(s, true);
    }
    return err == MU_OK ? rocks_trust_mark(&s->to->mark, s->to, to) : err;
}

enum mu_err journal_salvage_copy(struct journal_salvage *s, const char *to, const struct journal_registry *registry,
                                 struct journal_salvaged *out, char *why, size_t why_size)
{
    struct journal_options options = { .registry = registry, .clock_patience_s = -1 };
    enum mu_err err;

    *out = (struct journal_salvaged){ 0 };
    s->told = out;
    if ((err = journal_open(&s->to, to, &options, why, why_size)) != MU_OK ||
        (err = journal_batch_create(&s->writes, s->to)) != MU_OK)
        goto out;
    journal_note_registry(s->to, registry->change, registry->device);
    if (s->whole)
        err = copy_all(s);
    else
        out->states = out->events = true;
    if (err == MU_OK)
        err = take_over_starts(s, to);
    if (err == MU_OK)
        tell_commits(s);
    else
        snprintf(why, why_size, "cannot write the new journal in %s: %s", to, mu_err_text(err));
out:
    journal_batch_destroy(s->writes);
    journal_close(s->to);
    s->writes = NULL;
    s->to = NULL;
    return err;
}
