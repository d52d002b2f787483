#include "base/log_private.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log_errors.h"
#include "base/text.h"

/* The words of a log line: time, level, event, and quoted values. */

#define QUOTE_KEEP 120

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static _Atomic int threshold = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

/* How much snprintf stored: less than it wanted if the line is full. */
static size_t stored(int wanted, size_t room)
{
    if (wanted < 0)
        return 0;
    return (size_t)wanted < room ? (size_t)wanted : room - 1;
}

size_t log_format(char line[LOG_LINE_SIZE], enum log_level level, const char *event, const char *format, va_list args)
{
    struct timespec now;
    struct tm tm;
    int errno_before = errno;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t room = LOG_LINE_SIZE; /* the line's end takes the place of the terminator */
    size_t len = strftime(line, room, "time=%Y-%m-%dT%H:%M:%S", &tm);
    len += stored(snprintf(line + len, room - len, ".%03ldZ level=%s event=%s%s", now.tv_nsec / 1000000,
                           level_names[level], event, *format ? " " : ""),
                  room - len);
    errno = errno_before; /* %m in the caller's format means the caller's errno */
    len += stored(vsnprintf(line + len, room - len, format, args), room - len);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] < ' ')
            line[i] = '?';
    }
    line[len++] = '\n';
    return len;
}

static void keep_error(char line[LOG_LINE_SIZE], size_t len, const char *event)
{
    const char *pairs = strstr(line, " event=");

    line[len - 1] = '\0';
    pairs = pairs ? strchr(pairs + 1, ' ') : NULL;
    log_errors_keep(event, pairs ? pairs + 1 : "", (int64_t)time(NULL));
    line[len - 1] = '\n';
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    if (!log_enabled(level))
        return;

    char line[LOG_LINE_SIZE];
    int errno_before = errno;
    va_list args;

    va_start(args, format);
    size_t len = log_format(line, level, event, format, args);
    va_end(args);
    if (level == LOG_ERROR)
        keep_error(line, len, event);
    log_write(line, len);
    errno = errno_before;
}

const char *log_quote(struct log_box *box, const char *text, long len)
{
    struct str s = { text, text ? (len < 0 ? strlen(text) : (size_t)len) : 0 };
    bool cut = s.len > QUOTE_KEEP;
    size_t kept = 0;
    char *at = box->text;

    *at++ = '"';
    while (s.len) {
        unsigned char c = (unsigned char)s.at[0];
        size_t n = utf8_char_len(s);
        size_t step = n ? n : 1;
        if (kept + step > QUOTE_KEEP)
            break;
        /* C2 80 … C2 9F are control characters, too: some terminals obey them. */
        bool control = c < ' ' || c == 0x7f || (c == 0xc2 && n == 2 && (unsigned char)s.at[1] < 0xa0);
        if (c == '"' || c == '\\') {
            *at++ = '\\';
            *at++ = (char)c;
        } else if (n && !control) {
            memcpy(at, s.at, n);
            at += n;
        } else {
            for (size_t i = 0; i < step; i++)
                at += sprintf(at, "\\x%02x", (unsigned char)s.at[i]);
        }
        s.at += step;
        s.len -= step;
        kept += step;
    }
    *at++ = '"';
    memcpy(at, cut ? "..." : "", cut ? sizeof("...") : 1);
    return box->text;
}
