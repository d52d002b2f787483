/* Opening a registry over SQLite, in a directory. */
#include "sql/sqlite_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* SQLite would create the file readable for everybody, but it contains passcodes. The files beside it get the same
 * mode. */
static enum mu_err create_file(const char *path, char *why, size_t why_size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(why, why_size, "%s", strerror(errno));
        return mu_err_of_errno(errno);
    }
    close(fd);
    return MU_OK;
}

static enum mu_err open_reader(struct registry *reg, struct db *db)
{
    if (reg->file.copied)
        return MU_E_LOCKED;
    return reg->file.unchanged ? sqlite_open_unchanged(db, reg->file.path, "") : sqlite_open(db, reg->file.path, true);
}

static enum mu_err mark(struct registry *reg)
{
    enum mu_err err = feed_prune(&reg->writer, &reg->pruned_at);

    return err == MU_OK ? registry_trust_count(reg) : err;
}

/* SQLite always knows whether it has committed. */
static enum mu_err settle(struct registry *reg, enum mu_err err)
{
    (void)reg;
    return err;
}

static const struct registry_store store = {
    .open_reader = open_reader,
    .check = sqlite_check,
    .mark = mark,
    .marked = registry_trust_committed,
    .settle = settle,
};

static enum mu_err create(struct registry **out, const char *dir, char *why, size_t why_size)
{
    struct registry *reg = registry_new(&store);

    *out = reg;
    if (!reg)
        return MU_E_NOMEM;
    int len = snprintf(reg->file.path, sizeof(reg->file.path), "%s/" REGISTRY_FILE, dir);
    if (len >= 0 && (size_t)len < sizeof(reg->file.path))
        return MU_OK;
    snprintf(why, why_size, "the path is too long");
    return MU_E_IO;
}

static void tell_why(enum mu_err err, const char *path, const char *cause, char *why, size_t why_size)
{
    snprintf(why, why_size, "cannot open %s: %s%s", path, *cause ? cause : mu_err_text(err),
             !*cause && err == MU_E_CORRUPT ? DAMAGE_ADVICE : "");
}

/* After a failure the WAL is left as it was. */
static enum mu_err open_writer(struct registry *reg, enum scan_state state, char *why, size_t why_size)
{
    enum mu_err err;
    struct db *db = &reg->writer;

    if ((err = sqlite_open(db, reg->file.path, false)) != MU_OK)
        return err;
    if ((err = schema_update(db, why, why_size)) == MU_OK && (state == SCAN_PLAIN || state == SCAN_DOUBTFUL) &&
        (err = sqlite_rewrite_file(db, reg->file.path, state, why, why_size)) == MU_OK)
        err = schema_update(db, why, why_size); /* sets WAL mode again */
    if (err != MU_OK && db->handle)
        sqlite_keep_log(db);
    return err;
}

enum mu_err registry_look(struct registry **out, const char *dir, struct registry_place *place, char *why,
                          size_t why_size)
{
    enum mu_err err;
    char cause[400] = "";
    struct registry *reg;

    if ((err = create(&reg, dir, cause, sizeof(cause))) != MU_OK ||
        (err = sqlite_scan_file(reg->file.path, &reg->file.scanned, cause, sizeof(cause))) != MU_OK ||
        (err = registry_trust_check(reg, place, cause, sizeof(cause))) != MU_OK)
        goto out;
    *out = reg;
    reg = NULL;
out:
    if (err != MU_OK && reg)
        tell_why(err, reg->file.path, cause, why, why_size);
    registry_close(reg);
    return err;
}

enum mu_err registry_begin(struct registry *reg, char *why, size_t why_size)
{
    enum mu_err err;
    char cause[400] = "";

    assert(!reg->file.unchanged && !reg->writer.driver);
    if ((err = create_file(reg->file.path, cause, sizeof(cause))) != MU_OK ||
        (err = open_writer(reg, reg->file.scanned, cause, sizeof(cause))) != MU_OK ||
        (err = feed_clear(&reg->writer)) != MU_OK || (err = registry_trust_begin(reg)) != MU_OK)
        tell_why(err, reg->file.path, cause, why, why_size);
    return err;
}

enum mu_err registry_open(struct registry **out, const char *dir, char *why, size_t why_size)
{
    struct registry_place place;
    enum mu_err err = registry_look(out, dir, &place, why, why_size);

    if (err == MU_OK && (err = registry_begin(*out, why, why_size)) != MU_OK) {
        registry_close(*out);
        *out = NULL;
    }
    return err;
}

/* Opens the first reader. If the file is older, that is an updated copy, and it stays the only reader. */
static enum mu_err read_as_present(struct registry *reg, char *why, size_t why_size)
{
    enum mu_err err;
    struct db *db, *copy = malloc(sizeof(*copy));

    if (!copy)
        return MU_E_NOMEM;
    if ((err = reader_begin(reg, &db)) != MU_OK) {
        free(copy);
        return err;
    }
    err = schema_read(db, copy, &reg->file.copied, why, why_size);
    reader_end(reg, db);
    if (!reg->file.copied) {
        free(copy);
        return err;
    }
    registry_close_readers(reg);
    assert(reg->reader_count == 0);
    reg->readers[reg->reader_count++] = copy;
    return err;
}

enum mu_err registry_open_unchanged(struct registry **out, const char *dir, char *why, size_t why_size)
{
    struct registry_place place;
    char cause[400] = "";
    enum mu_err err = registry_look(out, dir, &place, why, why_size);

    if (err != MU_OK)
        return err;
    (*out)->file.unchanged = true;
    if ((err = read_as_present(*out, cause, sizeof(cause))) != MU_OK) {
        tell_why(err, (*out)->file.path, cause, why, why_size);
        registry_close(*out);
        *out = NULL;
    }
    return err;
}
