#include "journal/journal_fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "journal/rocks_codec.h"

#define ALL ((struct journal_window){ .to_us = INT64_MAX, .limit = UINT64_MAX })

/* --- starts ---------------------------------------------------------------------------------------*/
static void starts_are_counted_and_remember_when_they_were_last_alive(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);

    assert_int_equal(journal_boot(j).number, 1);
    assert_int_equal(journal_commit(j, b, DAY_ZERO), MU_OK);
    assert_int_equal(journal_commit(j, b, DAY_ZERO + 5), MU_OK);
    journal_batch_destroy(b);
    journal_close(j);
    journal_close(open_journal(*state)); /* the second start lives too short for a commit */

    j = open_journal(*state);
    assert_int_equal(journal_boot(j).number, 3);
    assert_int_equal(journal_boot_alive_us(j, 1), DAY_ZERO + 5);
    assert_int_equal(journal_boot_alive_us(j, 2), 0);
    assert_int_equal(journal_boot_alive_us(j, 4), 0);
    int64_t before = clock_wall_us();
    assert_in_range(journal_boot_alive_us(j, 3), before, before + 60 * SECOND);
    journal_close(j);
}

/* --- records --------------------------------------------------------------------------------------*/
static const struct journal_message sent = {
    .ts_us = DAY_ZERO + 1, .kind = MESSAGE_APP2DEV, .definition = UINT32_MAX, .number = UINT64_MAX,
    .decoded_number = 0, .enterprise = UINT32_MAX, .request = UINT64_C(0x0123456789abcdef),
    .payload = (const uint8_t *)"\0\0\0\3", .payload_len = 4,
};
static const struct journal_message reported = {
    .ts_us = DAY_ZERO + 2, .kind = MESSAGE_DEV2APP, .decoded = true, .definition = 0, .number = 300,
    .decoded_number = 300, .payload = (const uint8_t *)"", .payload_len = 0,
};
static const struct journal_session login = {
    .ts_us = DAY_ZERO + 3, .again = true, .number = 1, .keep_alive = 125, .boot = UINT64_MAX,
};
static const struct journal_session logout = {
    .ts_us = DAY_ZERO + 4, .end = true, .number = 2, .duration = UINT32_MAX, .reason = END_DATA_SIZE,
    .heartbeat = { .count = 1, .max = 2, .min = 3, .avg = UINT32_MAX, .last = 5 },
};

static enum mu_err check_message(void *ctx, const struct journal_message *m)
{
    const struct journal_message *expected = ctx;
    assert_int_equal(m->ts_us, expected->ts_us);
    assert_int_equal(m->kind, expected->kind);
    assert_int_equal(m->decoded, expected->decoded);
    assert_int_equal(m->definition, expected->definition);
    assert_true(m->number == expected->number);
    assert_true(m->decoded_number == expected->decoded_number);
    assert_int_equal(m->enterprise, expected->enterprise);
    assert_true(m->request == expected->request);
    assert_int_equal(m->payload_len, expected->payload_len);
    assert_memory_equal(m->payload, expected->payload, m->payload_len);
    return MU_OK;
}

static enum mu_err check_session(void *ctx, const struct journal_session *s)
{
    const struct journal_session *expected = ctx;
    assert_int_equal(s->ts_us, expected->ts_us);
    assert_int_equal(s->end, expected->end);
    assert_int_equal(s->again, expected->again);
    assert_true(s->number == expected->number);
    assert_int_equal(s->keep_alive, expected->keep_alive);
    assert_true(s->boot == expected->boot);
    assert_int_equal(s->duration, expected->duration);
    assert_int_equal(s->reason, expected->reason);
    assert_memory_equal(&s->heartbeat, &expected->heartbeat, sizeof s->heartbeat);
    return MU_OK;
}

static void records_come_back_as_they_were_written(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_window w = ALL;
    uint64_t total;

    journal_batch_message(b, UINT32_MAX, &sent);
    journal_batch_message(b, 0, &reported);
    journal_batch_session(b, UINT32_MAX, &login);
    journal_batch_session(b, 0, &logout);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);

    j = open_journal(*state);
    assert_int_equal(journal_messages(j, UINT32_MAX, &w, check_message, (void *)&sent, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_messages(j, 0, &w, check_message, (void *)&reported, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_sessions(j, UINT32_MAX, &w, check_session, (void *)&login, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_sessions(j, 0, &w, check_session, (void *)&logout, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_messages(j, 7, &w, check_message, NULL, &total), MU_OK);
    assert_int_equal(total, 0);
    journal_close(j);
}

static void a_value_cut_anywhere_is_told_as_damage_or_read_within_its_bounds(void **state)
{
    (void)state;
    struct buf value;
    struct journal_message m;
    struct journal_session s;
    struct record_head head;

    buf_init(&value, 1000);
    message_encode(&value, &sent);
    for (size_t len = 0; len < value.len - sent.payload_len; len++) {
        uint8_t *cut = malloc(len + 1); /* of its own, so that a sanitizer sees a read past it */
        memcpy(cut, value.data, len);
        assert_int_equal(message_decode(bytes_of(cut, len), 0, &m), MU_E_CORRUPT);
        free(cut);
    }
    buf_clear(&value);
    session_encode(&value, &logout);
    for (size_t len = 0; len < value.len; len++)
        assert_int_equal(session_decode(bytes_of(value.data, len), 0, &s), MU_E_CORRUPT);
    value.data[0] |= 0x80; /* a flag from the future */
    assert_int_equal(session_decode(bytes_of(value.data, value.len), 0, &s), MU_E_CORRUPT);
    assert_int_equal(record_head_decode(bytes_of("", 0), RECORD_MESSAGE, &head), MU_E_CORRUPT);
    buf_free(&value);
}

/* --- devices --------------------------------------------------------------------------------------*/
static const struct journal_state full_state = {
    .last_ts_us = DAY_ZERO, .last_session_us = -1, .messages = UINT64_MAX, .decoded = 2, .sessions = 3,
    .activated_at = 1505789918, .online_latest = INT64_MAX, .last_report = INT64_MIN, .active_day = INT32_MIN,
    .session_boot = 9, .definition = UINT32_MAX, .image = (const uint8_t *)"image", .image_len = 5,
};
static const struct journal_versions full_versions = { .text = { "1.0", "", "WIFI", "04020034" } };

struct visit {
    char order[100];
};

static enum mu_err visit_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct visit *v = ctx;
    char text[20];

    snprintf(text, sizeof text, "s%u ", device);
    strcat(v->order, text);
    if (device != 256)
        return MU_OK;
    struct journal_state got = *s;
    assert_int_equal(got.image_len, full_state.image_len);
    assert_memory_equal(got.image, full_state.image, got.image_len);
    assert_int_equal(got.last_ts_us, full_state.last_ts_us);
    assert_int_equal(got.last_session_us, full_state.last_session_us);
    assert_true(got.messages == full_state.messages);
    assert_int_equal(got.decoded, full_state.decoded);
    assert_int_equal(got.sessions, full_state.sessions);
    assert_int_equal(got.activated_at, full_state.activated_at);
    assert_int_equal(got.online_latest, full_state.online_latest);
    assert_int_equal(got.last_report, full_state.last_report);
    assert_int_equal(got.active_day, full_state.active_day);
    assert_int_equal(got.session_boot, full_state.session_boot);
    assert_int_equal(got.definition, full_state.definition);
    return MU_OK;
}

static enum mu_err visit_versions(void *ctx, uint32_t device, const struct journal_versions *versions)
{
    struct visit *v = ctx;
    char text[20];

    snprintf(text, sizeof text, "v%u ", device);
    strcat(v->order, text);
    assert_memory_equal(versions, &full_versions, sizeof full_versions);
    return MU_OK;
}

static void a_visit_sees_the_last_state_of_every_device_in_order(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_state other = { 0 };
    struct visit visit = { "" };
    struct journal_visitor visitor = { &visit, visit_state, visit_versions };

    journal_batch_state(b, 256, &other);
    journal_batch_state(b, 70000, &other);
    journal_batch_versions(b, 70000, &full_versions);
    commit(j, b);
    journal_batch_state(b, 256, &full_state);
    journal_batch_state(b, 3, &other);
    journal_batch_versions(b, 5, &full_versions);
    journal_batch_versions(b, UINT32_MAX, &full_versions);
    journal_batch_active(b, 1, 20000, 256);
    commit(j, b);

    assert_int_equal(journal_visit(j, &visitor), MU_OK);
    assert_string_equal(visit.order, "s3 v5 s256 s70000 v70000 v4294967295 ");
    journal_batch_destroy(b);
    journal_close(j);
}

/* --- batches --------------------------------------------------------------------------------------*/
static void a_batch_is_empty_after_its_commit_and_after_being_cleared(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    size_t empty = journal_batch_bytes(b);

    put_message(b, 1, DAY_ZERO, 1);
    assert_true(journal_batch_bytes(b) > empty + 7);
    journal_batch_clear(b);
    assert_int_equal(journal_batch_bytes(b), empty);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 0);

    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(journal_batch_bytes(b), empty);
    journal_batch_destroy(b);
    journal_close(j);
}

static void a_record_too_large_fails_its_batch_and_only_that(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_message huge = { .ts_us = DAY_ZERO + 1, .number = 2, .payload_len = LIMIT_INTAKE };

    huge.payload = calloc(1, huge.payload_len);
    put_message(b, 1, DAY_ZERO, 1);
    journal_batch_message(b, 1, &huge);
    assert_int_equal(journal_commit(j, b, DAY_ZERO), MU_E_LIMIT);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 0);

    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    free((void *)huge.payload);
    journal_batch_destroy(b);
    journal_close(j);
}

/* --- days -----------------------------------------------------------------------------------------*/
static void a_day_goes_when_its_last_moment_is_past_retention(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);

    put_message(b, 1, DAY_ZERO + DAY - 1, 1);
    put_message(b, 1, DAY_ZERO + DAY, 2);
    commit(j, b);

    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY - 1), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 2);
    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY), MU_OK);
    journal_batch_destroy(b);
    journal_close(j);

    j = open_journal(*state);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    journal_close(j);
}

static void a_record_past_retention_is_left_out_of_its_batch(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_session s = { .ts_us = DAY_ZERO, .number = 1 };

    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY), MU_OK);
    journal_batch_session(b, 1, &s);
    put_message(b, 1, DAY_ZERO + DAY - 1, 1);
    put_message(b, 1, -1, 1);
    put_message(b, 1, DAY_ZERO + DAY, 2);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    journal_batch_destroy(b);
    journal_close(j);
}

static void a_day_dropped_under_a_filled_batch_takes_only_its_own_records(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);

    put_message(b, 1, DAY_ZERO, 1);
    put_message(b, 1, DAY_ZERO + 8 * DAY, 2);
    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY), MU_OK);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    journal_batch_destroy(b);
    journal_close(j);
}

static void a_clock_that_jumps_finds_a_place_for_its_records(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);

    assert_int_equal(journal_roll(j, DAY_ZERO), MU_OK);
    put_message(b, 1, DAY_ZERO + 30 * DAY, 1); /* ahead of the roll */
    put_message(b, 2, DAY_ZERO + 2 * DAY, 1);
    commit(j, b);
    assert_int_equal(journal_roll(j, DAY_ZERO - 100 * DAY), MU_OK); /* back */
    put_message(b, 3, DAY_ZERO - 100 * DAY, 1);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);

    j = open_journal(*state);
    for (uint32_t device = 1; device <= 3; device++)
        assert_int_equal(count_messages(j, device, 0, INT64_MAX), 1);
    journal_close(j);
}

struct reader {
    struct journal *journal;
    atomic_bool stop;
};

static void *read_until_told(void *ctx)
{
    struct reader *r = ctx;
    while (!atomic_load(&r->stop))
        count_messages(r->journal, 1, DAY_ZERO, DAY_ZERO + 60 * DAY);
    return NULL;
}

static void readers_and_the_dropping_of_days_do_not_disturb_each_other(void **state)
{
    struct reader reader = { .journal = open_journal(*state) };
    struct journal_batch *b = make_batch(reader.journal);
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_until_told, &reader), 0);
    uint64_t number = 0;
    for (int64_t day = 0; day < 40; day++) {
        assert_int_equal(journal_roll(reader.journal, DAY_ZERO + day * DAY), MU_OK);
        for (int64_t i = 0; i < 20; i++)
            put_message(b, 1, DAY_ZERO + day * DAY + i * 3600 * SECOND, ++number);
        commit(reader.journal, b);
    }
    atomic_store(&reader.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);

    assert_int_equal(count_messages(reader.journal, 1, 0, INT64_MAX), 8 * 20);
    journal_batch_destroy(b);
    journal_close(reader.journal);
}

/* --- openings that are refused --------------------------------------------------------------------*/
static enum mu_err try_open(const char *dir, char *why, size_t why_size)
{
    struct journal *j;
    struct journal_options options = { .reserve_bytes = TEST_RESERVE };
    enum mu_err err = journal_open(&j, dir, &options, why, why_size);
    assert_true((err == MU_OK) == (j != NULL));
    journal_close(j);
    return err;
}

static void expect_refusal(const char *dir, enum mu_err expected, const char *word)
{
    char why[300] = "";
    assert_int_equal(try_open(dir, why, sizeof why), expected);
    assert_non_null(strstr(why, dir));
    assert_non_null(strstr(why, word));
}

static void a_directory_in_use_is_refused(void **state)
{
    struct journal *j = open_journal(*state);
    expect_refusal(*state, MU_E_LOCKED, "in use");

    pid_t child = fork();
    if (child == 0) {
        char why[300];
        _exit(try_open(*state, why, sizeof why) == MU_E_LOCKED ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    /* The refused ones left it whole. */
    struct journal_batch *b = make_batch(j);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);
}

static void write_format(const char *dir, uint64_t format)
{
    const char *names[] = { "default", "state", "versions", "activity" };
    rocksdb_options_t *o = rocksdb_options_create();
    const rocksdb_options_t *options[] = { o, o, o, o };
    rocksdb_column_family_handle_t *handles[4];
    rocksdb_writeoptions_t *w = rocksdb_writeoptions_create();
    char path[300], *text = NULL;
    uint8_t value[8];

    snprintf(path, sizeof path, "%s/journal", dir);
    rocksdb_t *db = rocksdb_open_column_families(o, path, 4, names, options, handles, &text);
    assert_null(text);
    put_u64be(value, format);
    rocksdb_put_cf(db, w, handles[0], "format", 6, (const char *)value, sizeof value, &text);
    assert_null(text);
    for (int i = 0; i < 4; i++)
        rocksdb_column_family_handle_destroy(handles[i]);
    rocksdb_close(db);
    rocksdb_writeoptions_destroy(w);
    rocksdb_options_destroy(o);
}

static void a_newer_format_is_refused_and_left_as_it_is(void **state)
{
    journal_close(open_journal(*state));
    write_format(*state, ROCKS_FORMAT + 1);
    expect_refusal(*state, MU_E_SCHEMA, "format 2");
    write_format(*state, ROCKS_FORMAT);
    struct journal *j = open_journal(*state);
    assert_int_equal(journal_boot(j).number, 2);
    journal_close(j);
}

/* A journal with a table in it; its files by pattern. */
static void make_journal_with_table(const char *dir)
{
    struct journal *j = open_journal(dir);
    struct journal_batch *b = make_batch(j);
    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);
    journal_close(open_journal(dir)); /* what the log holds becomes a table */
}

static void change_files(const char *dir, const char *pattern, void (*change)(const char *path))
{
    char path[300];
    glob_t found;

    snprintf(path, sizeof path, "%s/journal/%s", dir, pattern);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        change(found.gl_pathv[i]);
    globfree(&found);
}

static void delete_file(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void halve_file(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
}

static void scribble_file(const char *path)
{
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "scribble", 8, 3), 8);
    close(fd);
}

static void a_damaged_directory_is_refused(void **state)
{
    static const struct {
        const char *pattern;
        void (*change)(const char *path);
    } damages[] = {
        { "CURRENT", delete_file }, { "CURRENT", scribble_file }, { "MANIFEST-*", delete_file },
        { "MANIFEST-*", scribble_file }, { "*.sst", delete_file }, { "*.sst", halve_file },
    };

    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        char dir[100];
        snprintf(dir, sizeof dir, "%s/%zu", (const char *)*state, i);
        assert_int_equal(mkdir(dir, 0700), 0);
        make_journal_with_table(dir);
        change_files(dir, damages[i].pattern, damages[i].change);
        expect_refusal(dir, MU_E_CORRUPT, "damaged");
    }
}

static void a_damaged_table_is_told_when_it_is_read(void **state)
{
    struct journal_window w = ALL;
    uint64_t total;

    make_journal_with_table(*state);
    change_files(*state, "*.sst", scribble_file);
    struct journal *j = open_journal(*state);
    assert_int_equal(journal_messages(j, 1, &w, ignore_message, NULL, &total), MU_E_CORRUPT);
    journal_close(j);
}

static void a_directory_that_is_not_there_is_refused(void **state)
{
    char dir[100];
    snprintf(dir, sizeof dir, "%s/absent", (const char *)*state);
    expect_refusal(dir, MU_E_IO, "No such file");
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(starts_are_counted_and_remember_when_they_were_last_alive),
        IN_DIRECTORY(records_come_back_as_they_were_written),
        cmocka_unit_test(a_value_cut_anywhere_is_told_as_damage_or_read_within_its_bounds),
        IN_DIRECTORY(a_visit_sees_the_last_state_of_every_device_in_order),
        IN_DIRECTORY(a_batch_is_empty_after_its_commit_and_after_being_cleared),
        IN_DIRECTORY(a_record_too_large_fails_its_batch_and_only_that),
        IN_DIRECTORY(a_day_goes_when_its_last_moment_is_past_retention),
        IN_DIRECTORY(a_record_past_retention_is_left_out_of_its_batch),
        IN_DIRECTORY(a_day_dropped_under_a_filled_batch_takes_only_its_own_records),
        IN_DIRECTORY(a_clock_that_jumps_finds_a_place_for_its_records),
        IN_DIRECTORY(readers_and_the_dropping_of_days_do_not_disturb_each_other),
        IN_DIRECTORY(a_directory_in_use_is_refused),
        IN_DIRECTORY(a_newer_format_is_refused_and_left_as_it_is),
        IN_DIRECTORY(a_damaged_directory_is_refused),
        IN_DIRECTORY(a_damaged_table_is_told_when_it_is_read),
        IN_DIRECTORY(a_directory_that_is_not_there_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
