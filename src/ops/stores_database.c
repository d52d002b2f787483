/* Stores in a database (stores.h). */

#include "ops/stores_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "journal/postgres_journal.h"
#include "ops/file.h"
#include "postgres/pg.h"

/* The file of a server's directory that holds the identity of its database, in hex. */
#define NOTE "store"
enum { NOTE_LEN = 32, NOTE_MAX = 1024 * 1024 };

/* --- the directory of the server ----------------------------------------------------------------------- */

bool stores_are_elsewhere(const char *dir)
{
    char path[4200];

    snprintf(path, sizeof(path), "%s/" NOTE, dir);
    return access(path, F_OK) == 0;
}

static enum mu_err write_note(const char *dir, const char *path, const char *id, char *why, size_t why_size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum mu_err err = MU_OK;

    if (fd < 0 || write(fd, id, NOTE_LEN) != NOTE_LEN || fsync(fd) != 0)
        err = file_fail(why, why_size, "write", path);
    if (fd >= 0)
        close(fd);
    if (err != MU_OK)
        unlink(path);
    return err == MU_OK ? file_sync_dir(dir, why, why_size) : err;
}

static enum mu_err refuse_another(const char *dir, const char *path, const char *id, char *why, size_t why_size)
{
    struct buf noted;

    buf_init(&noted, NOTE_MAX);
    enum mu_err err = file_read(path, &noted, why, why_size);
    if (err == MU_OK && (noted.len != NOTE_LEN || memcmp(noted.data, id, NOTE_LEN) != 0)) {
        snprintf(why, why_size, "%s was used with another database; give this one a directory of its own", dir);
        err = MU_E_VALUE;
    }
    buf_free(&noted);
    return err;
}

/* `write`: a directory that has no note gets one. */
static enum mu_err compare(const char *dir, struct registry *registry, bool write, char *why, size_t why_size)
{
    char path[4200], id[NOTE_LEN + 1];
    struct registry_place place;
    enum mu_err err = registry_get_place(registry, &place);

    if (err != MU_OK)
        return err;
    snprintf(path, sizeof(path), "%s/registry.db", dir);
    if (access(path, F_OK) == 0) {
        snprintf(
            why, why_size,
            "%s has stores of its own, so --store cannot be given with it: put it aside, or move what it holds (muster copy)",
            dir);
        return MU_E_VALUE;
    }
    hex_encode(place.id, sizeof(place.id), id);
    id[NOTE_LEN] = '\0';
    snprintf(path, sizeof(path), "%s/" NOTE, dir);
    if (access(path, F_OK) == 0)
        return refuse_another(dir, path, id, why, why_size);
    return write ? write_note(dir, path, id, why, why_size) : MU_OK;
}

enum mu_err stores_database_note(const struct stores *s, char *why, size_t why_size)
{
    return compare(s->data.path, s->registry, true, why, why_size);
}

enum mu_err stores_database_check(struct registry **out, const struct stores_where *where, char *why, size_t why_size)
{
    struct journal *journal = NULL;
    enum mu_err err = registry_open_store_unchanged(out, where->store, why, why_size);

    if (err != MU_OK || (err = compare(where->dir, *out, false, why, why_size)) != MU_OK)
        return err;
    err = postgres_journal_open_unchanged(&journal, where->store, why, why_size);
    journal_close(journal);
    return err;
}

/* --- opening ------------------------------------------------------------------------------------------- */

/* The file of a server's directory that holds the number of its last start. Whoever has the directory's lock knows that
 * this start is over, and says so: nobody need wait until it has been silent for long enough. */
#define LAST_START "start"

static enum mu_err read_last_start(const char *dir, uint64_t *out, char *why, size_t why_size)
{
    char path[4200];
    struct buf text;
    int64_t number = 0;

    *out = 0;
    snprintf(path, sizeof(path), "%s/" LAST_START, dir);
    if (access(path, F_OK) != 0)
        return MU_OK;
    buf_init(&text, NOTE_MAX);
    enum mu_err err = file_read(path, &text, why, why_size);
    if (err == MU_OK && str_int64((struct str){ (const char *)text.data, text.len }, &number) && number > 0)
        *out = (uint64_t)number;
    buf_free(&text);
    return err;
}

/* Without it the next start only waits longer. */
static void note_start(const char *dir, uint64_t number)
{
    char path[4200], why[256];
    int fd;

    snprintf(path, sizeof(path), "%s/" LAST_START, dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%llu", (unsigned long long)number) < 0 || fsync(fd) != 0) {
        (void)!file_fail(why, sizeof(why), "write", path);
        log_event(LOG_WARN, "start_not_noted", "error=%s", LOG_Q(why, -1));
    }
    if (fd >= 0)
        close(fd);
}

/* The registry was opened before the journal's lock was taken, and somebody may have migrated in between. From here on
 * nobody does. */
static enum mu_err look_at_registry_again(const struct stores *s, char *why, size_t why_size)
{
    struct pg_settings settings = { .uri = s->store, .schema = registry_schema.name, .event = "registry_failed" };
    struct pg *pg = NULL;
    enum mu_err err = pg_open(&pg, &settings, why, why_size);

    if (err == MU_OK)
        err = pg_schema_check(pg, &registry_schema, why, why_size);
    pg_close(pg);
    return err;
}

enum mu_err stores_database_open_journal(struct stores *s, unsigned retention_days, char *why, size_t why_size)
{
    struct postgres_journal_options options = { .retention_days = retention_days, .shared = s->data.path != NULL };
    char host[256] = "";
    enum mu_err err;

    gethostname(host, sizeof(host) - 1);
    options.name = host;
    if (options.shared && (err = read_last_start(s->data.path, &options.previous, why, why_size)) != MU_OK)
        return err;
    err = postgres_journal_open(&s->journal, s->store, &options, why, why_size);
    size_t len = strlen(why);
    if (err == MU_E_LOCKED)
        snprintf(why + len, why_size - len,
                 "; if a server of this machine has it, give its --data DIR as well, and it runs the command");
    if (err == MU_OK && options.shared) {
        note_start(s->data.path, journal_boot(s->journal).number);
        err = registry_work_for(s->registry, journal_boot(s->journal).number);
    }
    return err == MU_OK ? look_at_registry_again(s, why, why_size) : err;
}

enum mu_err stores_database_share(struct stores *s, char *why, size_t why_size)
{
    char place[512];
    enum mu_err err = postgres_journal_open_unchanged(&s->journal, s->store, why, why_size);

    if (err != MU_OK)
        return err;
    if ((err = postgres_journal_share(s->journal)) == MU_OK)
        return look_at_registry_again(s, why, why_size);
    pg_show_uri(s->store, place, sizeof(place));
    if (err == MU_E_LOCKED)
        snprintf(why, why_size, "%s is in use by another command that needs it alone", place);
    else
        snprintf(why, why_size, "cannot use %s: %s", place, mu_err_text(err));
    return err;
}
