#include "base/unit_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

/* Log lines: their form, quoting, and readers of stderr that stall. */

static void a_quoted_value_stays_one_value_on_one_line(void **state)
{
    (void)state;
    assert_string_equal(LOG_Q("a\"b\\c\nd\x1b\x7f", -1), "\"a\\\"b\\\\c\\x0ad\\x1b\\x7f\"");
    assert_string_equal(LOG_Q("制\xc2\x9b\xff", -1), "\"制\\xc2\\x9b\\xff\"");
    assert_string_equal(LOG_Q("abc", 2), "\"ab\"");
    assert_string_equal(LOG_Q("a\0b", 3), "\"a\\x00b\"");
    assert_string_equal(LOG_Q(NULL, -1), "\"\"");
}

static void a_quoted_value_is_cut_at_120_bytes_between_characters(void **state)
{
    (void)state;
    char text[1000];
    memset(text, '\n', sizeof(text));
    const char *quoted = LOG_Q(text, sizeof(text));
    assert_int_equal(strlen(quoted), 1 + 4 * 120 + 1 + 3);
    assert_string_equal(quoted + 1 + 4 * 120, "\"...");

    memset(text, 'a', sizeof(text));
    memcpy(text + 119, "制", 3);
    quoted = LOG_Q(text, 122);
    assert_int_equal(strlen(quoted), 1 + 119 + 1 + 3);
    memset(text, 'a', 120);
    assert_int_equal(strlen(LOG_Q(text, 120)), 122);
}

static void an_event_is_one_line_of_key_value_pairs(void **state)
{
    (void)state;
    enum log_level level;
    int fds[2];
    char line[8192];
    int kept = dup(STDERR_FILENO);
    char *wide = malloc(6000);

    memset(wide, 'w', 5999);
    wide[5999] = '\0';
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    dup2(fds[1], STDERR_FILENO);
    assert_true(log_level_parse("warn", &level));
    assert_false(log_level_parse("loud", &level));
    log_set_level(level);
    log_event(LOG_INFO, "hidden", "x=1");
    log_event(LOG_WARN, "first", "n=%d name=%s bad=%s", 5, LOG_Q("a b", -1), "x\ny");
    ssize_t first = read(fds[0], line, sizeof(line) - 1);
    log_event(LOG_ERROR, "long", "w=%s", wide);
    log_event(LOG_ERROR, "bare", "%s", "");
    char tail[8192];
    ssize_t second = read(fds[0], tail, sizeof(tail));
    log_set_level(LOG_INFO);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(fds[0]);
    close(fds[1]);
    free(wide);

    assert_true(first > 30);
    line[first] = '\0';
    assert_memory_equal(line, "time=20", 7);
    assert_string_equal(line + strlen("time=2024-02-29T00:00:00.000Z"),
                        " level=warn event=first n=5 name=\"a b\" bad=x?y\n");
    assert_true(second > 4096);
    assert_int_equal(tail[4095], '\n');
    assert_memory_equal(tail + 4096, "time=", 5);
}

/* --- a reader that stalls ----------------------------------------------------------------------*/
struct pipe_end {
    int kept, read, write;
};

static struct pipe_end stderr_into_small_pipe(void)
{
    struct pipe_end p = { .kept = dup(STDERR_FILENO) };
    int fds[2];

    assert_int_equal(pipe2(fds, 0), 0);
    p.read = fds[0];
    p.write = fds[1];
    fcntl(p.write, F_SETPIPE_SZ, 4096);
    dup2(p.write, STDERR_FILENO);
    return p;
}

/* All that was written, once nobody writes any more. */
static char *end_of_pipe(struct pipe_end *p)
{
    size_t size = 1024 * 1024, len = 0;
    char *text = malloc(size);
    ssize_t n;

    dup2(p->kept, STDERR_FILENO);
    close(p->kept);
    close(p->write);
    while ((n = read(p->read, text + len, size - 1 - len)) > 0)
        len += (size_t)n;
    close(p->read);
    text[len] = '\0';
    return text;
}

static void *read_all(void *arg)
{
    struct pipe_end *p = arg;
    char *text = calloc(1, 2 * 1024 * 1024);
    size_t len = 0;
    ssize_t n;

    while ((n = read(p->read, text + len, 4096)) > 0 && !strstr(text, "event=the_end")) {
        len += (size_t)n;
        text[len] = '\0';
    }
    return text;
}

static unsigned count_whole_lines(char *text, const char *event, unsigned long *lost)
{
    unsigned count = 0;

    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        const char *told = strstr(line, "event=log_lost lines=");
        assert_memory_equal(line, "time=20", 7);
        if (told)
            *lost += strtoul(told + strlen("event=log_lost lines="), NULL, 10);
        count += strstr(line, event) && strstr(line, " end");
    }
    return count;
}

static void a_reader_that_stalls_stops_nobody_and_is_told_what_it_missed(void **state)
{
    (void)state;
    enum { LINES = 10000 };
    struct pipe_end p = stderr_into_small_pipe();
    uint64_t lost_before = log_lost();
    unsigned long told = 0;
    pthread_t reader;
    void *text;

    assert_int_equal(log_start(), MU_OK);
    for (int i = 0; i < LINES; i++)
        log_event(LOG_WARN, "line", "number=%d end", i); /* for ever, if it waited */
    uint64_t lost = log_lost() - lost_before;
    assert_true(lost > 0 && lost < LINES);
    assert_int_equal(fcntl(p.write, F_GETFL) & O_NONBLOCK, 0); /* others hold it, too */

    assert_int_equal(pthread_create(&reader, NULL, read_all, &p), 0);
    log_flush();
    log_event(LOG_WARN, "the_end", "end");
    log_stop();
    pthread_join(reader, &text);
    close(p.write);
    dup2(p.kept, STDERR_FILENO);
    close(p.kept);
    close(p.read);
    unsigned came = count_whole_lines(text, "event=line", &told);
    free(text);
    assert_int_equal(told, lost);
    assert_int_equal(came + told, LINES);
}

static void lines_before_the_end_come_out(void **state)
{
    (void)state;
    struct pipe_end p = stderr_into_small_pipe();
    unsigned long lost = 0;

    assert_int_equal(log_start(), MU_OK);
    for (int i = 0; i < 20; i++)
        log_event(LOG_WARN, "last", "end");
    log_stop();
    log_event(LOG_WARN, "last", "end"); /* and it works without the thread again */
    char *text = end_of_pipe(&p);
    assert_int_equal(count_whole_lines(text, "event=last", &lost), 21);
    assert_int_equal(lost, 0);
    free(text);
}

static void a_line_that_broke_off_is_not_continued_by_the_next(void **state)
{
    (void)state;
    char path[] = "/tmp/log_test_XXXXXX", text[8192];
    int kept = dup(STDERR_FILENO), file = mkstemp(path);
    struct rlimit before, small = { .rlim_cur = 100, .rlim_max = RLIM_INFINITY };

    /* A file that takes 100 bytes, and then more: a disk that was full for a while. */
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    dup2(file, STDERR_FILENO);
    setrlimit(RLIMIT_FSIZE, &small);
    uint64_t lost = log_lost();
    log_event(LOG_WARN, "first", "end");
    log_event(LOG_WARN, "second", "end");
    log_event(LOG_WARN, "third", "end");
    setrlimit(RLIMIT_FSIZE, &before);
    log_event(LOG_WARN, "fourth", "end");
    dup2(kept, STDERR_FILENO);
    close(kept);
    assert_int_equal(log_lost() - lost, 2);
    ssize_t n = pread(file, text, sizeof(text) - 1, 0);
    close(file);
    unlink(path);
    assert_true(n > 100);
    text[n] = '\0';
    char *fourth = strstr(text, "\ntime=20");
    fourth = strstr(fourth + 1, "\ntime=20");
    assert_non_null(strstr(fourth, "event=fourth end\n"));
    assert_null(strstr(fourth + 1, "\ntime=20"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quoted_value_stays_one_value_on_one_line),
        cmocka_unit_test(a_quoted_value_is_cut_at_120_bytes_between_characters),
        cmocka_unit_test(an_event_is_one_line_of_key_value_pairs),
        cmocka_unit_test(a_reader_that_stalls_stops_nobody_and_is_told_what_it_missed),
        cmocka_unit_test(lines_before_the_end_come_out),
        cmocka_unit_test(a_line_that_broke_off_is_not_continued_by_the_next),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
