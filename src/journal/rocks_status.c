#include "journal/rocks_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_limit.h"

/* What RocksDB's error texts mean. */

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static enum mu_err classify(const char *text)
{
    if (strstr(text, "No space left on device") || strstr(text, "Disk quota exceeded"))
        return MU_E_FULL;
    if (starts(text, "Corruption: "))
        return MU_E_CORRUPT;
    return MU_E_IO;
}

enum mu_err rocks_status_take(char *text)
{
    if (!text)
        return MU_OK;

    enum mu_err err = classify(text);
    rocksdb_free(text);
    return err;
}

enum mu_err rocks_status(struct rocks_journal *j, char *text)
{
    if (text && classify(text) == MU_E_CORRUPT)
        snprintf(j->damage, sizeof(j->damage), "%s", text);
    return rocks_status_take(text);
}

enum mu_err rocks_read_error(char *text)
{
    static struct log_limit damages;
    uint32_t suppressed;

    if (text && classify(text) == MU_E_CORRUPT && log_limit_may(&damages, 1000, 1, clock_mono_ms(), &suppressed)) {
        /* "Corruption: …  in PATH offset …": only the path, since a log line has no room for all of it. */
        const char *file = strstr(text, " in /"), *end = file ? strchr(file + 4, ' ') : NULL;
        log_event(LOG_ERROR, "journal_damaged",
                  "file=%s error=%s suppressed=%u hint=\"muster check tells what else is\"",
                  LOG_Q(file ? file + 4 : "", end ? (int)(end - file - 4) : -1), LOG_Q(text, -1), suppressed);
    }
    return rocks_status_take(text);
}

const char *rocks_journal_damage(const struct journal *port)
{
    const struct rocks_journal *j = rocks_of_const(port);
    return j->damage;
}

/* During an opening, a missing file that other files name is damage; a file that RocksDB does not understand is one of a
 * newer version. */
static enum mu_err classify_open(const char *text)
{
    if (strstr(text, "While lock file: ") || strstr(text, "lock hold by current process"))
        return MU_E_LOCKED;
    if (starts(text, "Not implemented: "))
        return MU_E_SCHEMA;
    enum mu_err err = classify(text);
    return err == MU_E_IO && strstr(text, "No such file or directory") ? MU_E_CORRUPT : err;
}

enum mu_err rocks_status_take_open(char *text, const char *path, char *why, size_t why_size)
{
    if (!text)
        return MU_OK;

    enum mu_err err = classify_open(text);
    if (err == MU_E_LOCKED)
        snprintf(why, why_size, "the journal in %s is in use by another process", path);
    else if (err == MU_E_FULL)
        snprintf(why, why_size, "no room on the disk to open the journal in %s", path);
    else if (err == MU_E_CORRUPT)
        snprintf(why, why_size, "the journal in %s is damaged: %s: " MARK_ADVICE, path, text);
    else if (err == MU_E_SCHEMA)
        snprintf(why, why_size, "the journal in %s was written by a newer version: %s", path, text);
    else
        snprintf(why, why_size, "cannot open the journal in %s: %s", path, text);
    rocksdb_free(text);
    return err;
}
