#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log_private.h"
#include "base/thread.h"

/* Lines wait in a buffer for a thread that only writes them. So it does not matter whether stderr is a pipe, a socket, a
 * terminal or a file, and its flags, which other processes share, stay as they are. A line that finds the buffer full is
 * counted, and the count becomes a line behind those that did fit. */

enum { FLUSH_S = 2 }; /* a working reader needs far less */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    pthread_t thread;
    bool running, ending, busy;
    struct buf waiting; /* whole lines */
    uint64_t missing;   /* lines that came after those and found no room */
} writer = { .lock = PTHREAD_MUTEX_INITIALIZER,
             .filled = PTHREAD_COND_INITIALIZER,
             .emptied = PTHREAD_COND_INITIALIZER };

static _Atomic uint64_t lost_total;

uint64_t log_lost(void)
{
    return atomic_load_explicit(&lost_total, memory_order_relaxed);
}

/* --- writing -----------------------------------------------------------------------------------*/
/* False if not all of it has gone; *len is then what has. */
static bool write_all(const char *bytes, size_t *len)
{
    size_t done = 0;

    while (done < *len) {
        ssize_t n = write(STDERR_FILENO, bytes + done, *len - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno == EAGAIN) /* somebody else has made it so */
            poll(&(struct pollfd){ .fd = STDERR_FILENO, .events = POLLOUT }, 1, -1);
        else if (errno != EINTR)
            break;
    }
    bool all = done == *len;
    *len = done;
    return all;
}

/* One write for each line. False, and counted, if it could not be written. */
static bool write_line(const char *line, size_t len)
{
    static _Atomic bool torn; /* the last line broke off; the next one must not continue it */
    size_t end = 1;

    if (!torn || write_all("\n", &end)) {
        torn = false;
        if (write_all(line, &len))
            return true;
        torn = len > 0;
    }
    atomic_fetch_add_explicit(&lost_total, 1, memory_order_relaxed);
    return false;
}

/* Returns how many of them could not be written. */
static uint64_t write_lines(const struct buf *lines)
{
    const char *at = (const char *)lines->data, *end = at + lines->len;
    uint64_t failed = 0;

    while (at < end) {
        size_t len = (size_t)((const char *)memchr(at, '\n', (size_t)(end - at)) - at) + 1;
        failed += !write_line(at, len);
        at += len;
    }
    return failed;
}

__attribute__((format(printf, 3, 4))) static bool write_event(enum log_level level, const char *event,
                                                              const char *format, ...)
{
    char line[LOG_LINE_SIZE];
    va_list args;

    va_start(args, format);
    size_t len = log_format(line, level, event, format, args);
    va_end(args);
    return write_line(line, len);
}

/* Logs the count of lost lines, and returns 0; if that cannot be written either, returns the count. */
static uint64_t tell_lost(uint64_t lines)
{
    return lines && write_event(LOG_WARN, "log_lost", "lines=%" PRIu64, lines) ? 0 : lines;
}

/* --- the thread --------------------------------------------------------------------------------*/
static void *run(void *arg)
{
    struct buf batch;
    uint64_t owed = 0;

    buf_init(&batch, LIMIT_LOG_WAITING);
    pthread_mutex_lock(&writer.lock);
    for (;;) {
        while (!writer.waiting.len && !writer.missing && !writer.ending)
            pthread_cond_wait(&writer.filled, &writer.lock);
        if (!writer.waiting.len && !writer.missing)
            break;
        struct buf emptied = batch;
        batch = writer.waiting;
        writer.waiting = emptied;
        uint64_t missing = writer.missing;
        writer.missing = 0;
        writer.busy = true;
        pthread_mutex_unlock(&writer.lock);

        owed = tell_lost(owed);
        owed += write_lines(&batch) + missing;
        owed = tell_lost(owed);
        buf_clear(&batch);

        pthread_mutex_lock(&writer.lock);
        writer.busy = false;
        pthread_cond_broadcast(&writer.emptied);
    }
    buf_free(&writer.waiting);
    pthread_mutex_unlock(&writer.lock);
    buf_free(&batch);
    return arg;
}

static void enqueue(const char *line, size_t len)
{
    /* Once a line is missing, the rest of this batch is dropped too, so that the count stands where the gap is. */
    if (!writer.missing)
        buf_append(&writer.waiting, line, len);
    if (writer.missing || writer.waiting.err != MU_OK) {
        writer.waiting.err = MU_OK;
        writer.missing++;
        atomic_fetch_add_explicit(&lost_total, 1, memory_order_relaxed);
    }
    pthread_cond_signal(&writer.filled);
}

void log_write(const char *line, size_t len)
{
    pthread_mutex_lock(&writer.lock);
    bool running = writer.running;
    if (running)
        enqueue(line, len);
    pthread_mutex_unlock(&writer.lock);
    if (!running)
        write_line(line, len);
}

/* --- its life ----------------------------------------------------------------------------------*/
enum mu_err log_start(void)
{
    buf_init(&writer.waiting, LIMIT_LOG_WAITING);
    writer.ending = writer.busy = false;
    writer.running = true;
    enum mu_err err = thread_start(&writer.thread, "log", run, NULL);
    writer.running = err == MU_OK;
    return err;
}

/* Under the lock. False: time is up, the reader has stalled. */
static bool wait_until_written(void)
{
    int64_t until_us = clock_mono_us() + FLUSH_S * INT64_C(1000000);
    bool in_time = true;

    while (in_time && (writer.waiting.len || writer.missing || writer.busy))
        in_time = thread_wait(&writer.emptied, &writer.lock, until_us);
    return in_time;
}

void log_flush(void)
{
    pthread_mutex_lock(&writer.lock);
    if (writer.running)
        wait_until_written();
    pthread_mutex_unlock(&writer.lock);
}

void log_stop(void)
{
    pthread_mutex_lock(&writer.lock);
    bool running = writer.running, written = running && wait_until_written();
    if (written) {
        writer.running = false;
        writer.ending = true;
        pthread_cond_signal(&writer.filled);
    }
    pthread_mutex_unlock(&writer.lock);
    if (written)
        pthread_join(writer.thread, NULL);
}
