/* Whether the file has everything that was acknowledged.
 *
 * SQLite reads its log up to the first wrong frame. Without a log it takes the file as it is. So after a flipped
 * bit, or if the log was cut or lost, the last transactions are missing without an error, and the numbers that they
 * gave are given again. To notice this, each group of writes counts itself in the table `fact`, and
 * DIR/registry.mark, beside the file, says which group was the last acknowledged (base/mark.h). The two are compared
 * before anything is written. */
#include "sql/sqlite_file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "base/text.h"

/* --- comparing ------------------------------------------------------------------------------------*/

static bool has_content(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_size > 0;
}

/* If a crash interrupts the making of a file, an empty one is left. version is 0 then. */
static enum mu_err read_unchanged(const char *path, struct mark_place *there, struct registry_place *out, char *why,
                                  size_t why_size)
{
    struct db db;
    int64_t version;
    enum mu_err err = sqlite_open_unchanged(&db, path, "");

    if (err != MU_OK)
        return err;
    if ((err = schema_recognise(&db, &version, why, why_size)) == MU_OK && (err = db_read_place(&db, there)) == MU_OK &&
        version)
        err = db_tell_place(&db, there, out);
    db_close(&db);
    return err;
}

static void mark_path(const struct registry *reg, char *out, size_t size)
{
    size_t folder = strlen(reg->file.path) - strlen(REGISTRY_FILE);

    assert(folder + sizeof(REGISTRY_MARK) <= size);
    memcpy(out, reg->file.path, folder);
    memcpy(out + folder, REGISTRY_MARK, sizeof(REGISTRY_MARK));
}

enum mu_err registry_trust_check(const struct registry *reg, struct registry_place *place, char *why, size_t why_size)
{
    char path[4200];
    struct mark_place there;
    enum mu_err err;

    *place = (struct registry_place){ 0 };
    mark_path(reg, path, sizeof(path));
    if (has_content(reg->file.path)) {
        if ((err = read_unchanged(reg->file.path, &there, place, why, why_size)) != MU_OK)
            return err;
        return mark_check(path, &there, REGISTRY_FILE "-wal", why, why_size);
    }
    bool marked = access(path, F_OK) == 0;
    snprintf(path, sizeof(path), "%s-wal", reg->file.path);
    if (!marked && !has_content(path))
        return MU_OK;
    snprintf(why, why_size,
             "it is missing or empty, and %s beside it says that there was one: put it back, or bring "
             "back a backup (muster restore)",
             marked ? REGISTRY_MARK : REGISTRY_FILE "-wal");
    return MU_E_CORRUPT;
}

/* --- marking --------------------------------------------------------------------------------------*/

static enum mu_err set_id(struct registry_tx *tx, void *arg)
{
    const struct registry *reg = arg;
    char text[2 * sizeof(reg->file.place.id) + 1];

    hex_encode(reg->file.place.id, sizeof(reg->file.place.id), text);
    return db_run(tx->db, "INSERT INTO fact (name, value) VALUES ('id', $1)", DB_VALUES(db_text(text)));
}

enum mu_err registry_trust_begin(struct registry *reg)
{
    char path[4200];
    struct mark_place before;
    enum mu_err err = db_read_place(&reg->writer, &reg->file.place);

    if (err != MU_OK)
        return err;
    mark_path(reg, path, sizeof(path));
    bool has_id = mark_is_id(reg->file.place.id);
    /* The mark is written before the file gets its id. After a crash in between, the mark has the id that the file is
     * to get. */
    if (!has_id && mark_read(path, &before) == MU_OK)
        memcpy(reg->file.place.id, before.id, sizeof(before.id));
    if (!mark_is_id(reg->file.place.id))
        random_bytes(reg->file.place.id, sizeof(reg->file.place.id));
    if ((err = mark_open(&reg->file.mark, path, &reg->file.place)) != MU_OK || has_id)
        return err;
    return registry_write(reg, set_id, reg);
}

enum mu_err registry_trust_count(struct registry *reg)
{
    char text[24];

    assert(reg->writing);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)reg->file.place.count + 1);
    return db_run(&reg->writer,
                  "INSERT INTO fact (name, value) VALUES ('commits', $1) "
                  "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                  DB_VALUES(db_text(text)));
}

void registry_trust_committed(struct registry *reg)
{
    assert(reg->writing);
    assert(mark_is_id(reg->file.place.id));
    reg->file.place.count++;
    mark_put(&reg->file.mark, &reg->file.place);
}

enum mu_err registry_trust_mark_copy(struct db *copy, const char *dir)
{
    char path[4200];
    struct mark_place place;
    struct mark mark = MARK_CLOSED;
    enum mu_err err = db_read_place(copy, &place);

    if (err != MU_OK || !mark_is_id(place.id))
        return err;
    snprintf(path, sizeof(path), "%s/" REGISTRY_MARK, dir);
    err = mark_open(&mark, path, &place);
    mark_close(&mark);
    return err;
}
