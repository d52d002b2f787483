#include "base/log_errors.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_error kept[LOG_ERRORS_KEPT]; /* the last one first */
static size_t kept_count;

/* The place of an event; if it has none, the place of the event that it replaces. */
static size_t place_of(const char *event)
{
    size_t i = 0;

    while (i < kept_count && strncmp(kept[i].event, event, sizeof(kept[i].event) - 1) != 0)
        i++;
    if (i < kept_count)
        return i;
    if (kept_count < LOG_ERRORS_KEPT)
        kept_count++;
    kept[kept_count - 1] = (struct log_error){ 0 };
    return kept_count - 1;
}

void log_errors_keep(const char *event, const char *pairs, int64_t now_s)
{
    pthread_mutex_lock(&lock);
    size_t i = place_of(event);
    struct log_error e = kept[i];
    memmove(&kept[1], &kept[0], i * sizeof(kept[0]));
    snprintf(e.event, sizeof(e.event), "%s", event);
    snprintf(e.line, sizeof(e.line), "%s", pairs);
    e.first_s = e.count ? e.first_s : now_s;
    e.last_s = now_s;
    e.count++;
    kept[0] = e;
    pthread_mutex_unlock(&lock);
}

size_t log_errors(struct log_error out[LOG_ERRORS_KEPT])
{
    pthread_mutex_lock(&lock);
    size_t count = kept_count;
    memcpy(out, kept, count * sizeof(kept[0]));
    pthread_mutex_unlock(&lock);
    return count;
}
