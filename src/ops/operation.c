#include "ops/operation.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ops/dir.h"
#include "ops/local.h"

/* Runs an operation: in the server that has the data directory, or else in this process, on the stores themselves. */

int operation_status(enum mu_err err)
{
    switch (err) {
    case MU_OK: return 0;
    case MU_E_SYNTAX:
    case MU_E_VALUE:
    case MU_E_NOT_FOUND:
    case MU_E_EXISTS: return 2;
    default: return 1;
    }
}

int operation_result(const struct operation_call *call, enum mu_err err)
{
    if (err == MU_OK)
        return 0;
    buf_printf(call->answer, "%s\n", mu_err_text(err));
    return 1; /* the input was checked before, so it is not the input's fault (2) */
}

struct stores_where operation_where(const struct settings *s)
{
    return (struct stores_where){ .dir = setting_text(s, "data"),
                                  .store = setting_exists(s, "store") ? setting_text(s, "store") : NULL };
}

struct operation_place operation_place(const struct settings *s)
{
    return (struct operation_place){ .where = operation_where(s),
                                     .stores = STORES_CLOSED,
                                     .quiet = setting_exists(s, "quiet") && setting_on(s, "quiet") };
}

/* A new data directory is made only if the command asks for that (create). */
static enum mu_err look_at_dir(struct operation_place *place, const struct operation *op, char *why, size_t why_size)
{
    const char *dir = place->where.dir;
    bool is_new;
    enum mu_err err = data_dir_check(dir, &is_new, why, why_size);

    if (err != MU_OK)
        return err;
    place->had_directory = access(dir, F_OK) == 0;
    if (is_new && !place->create) {
        snprintf(why, why_size,
                 place->had_directory ? "%s is empty, and not a data directory%s" : "there is no directory %s%s", dir,
                 op->may_create ? "; --create makes a new one of it" : "");
        return MU_E_NOT_FOUND;
    }
    return MU_OK;
}

/* Opens the stores in this process. */
static enum mu_err open_at_rest(struct operation_place *place, const struct operation *op, char *why, size_t why_size)
{
    enum mu_err err = place->where.store ? MU_OK : look_at_dir(place, op, why, why_size);

    if (place->where.store && place->create) {
        snprintf(why, why_size, "--create makes a data directory; muster migrate prepares a database");
        err = MU_E_VALUE;
    }
    if (err != MU_OK)
        return err;
    /* The user who runs the command; stores_open_at_rest may change to the directory's owner. */
    place->uid = getuid();
    log_set_level(LOG_WARN); /* the operator is at the terminal and reads warnings there */
    return stores_open_at_rest(&place->stores, &place->where, op->needs, op->changes, why, why_size);
}

/* Removes a data directory that was made for an operation that then failed. The lock, which was made first, is held
 * until everything is gone. */
static void unmake(struct operation_place *place)
{
    int lock = dup(place->stores.data.lock_fd);
    int fd = dir_open(place->where.dir);

    assert(place->stores.data.made);
    stores_close(&place->stores);
    if (fd >= 0) {
        dir_remove_content(fd);
        close(fd);
    }
    if (!place->had_directory)
        rmdir(place->where.dir);
    if (lock >= 0)
        close(lock);
}

static int run_at_rest(struct operation_place *place, const struct operation *op, struct str input, struct buf *answer)
{
    char why[512] = "";
    enum mu_err err = place->at_rest ? MU_OK : open_at_rest(place, op, why, sizeof(why));
    bool is_new = !place->at_rest && place->stores.data.made;
    int status = operation_status(err);

    if (err != MU_OK) {
        buf_printf(answer, "%s\n", why[0] ? why : mu_err_text(err));
    } else {
        place->at_rest = true;
        status = op->run(
            &(struct operation_call){ .stores = &place->stores, .uid = place->uid, .input = input, .answer = answer });
    }
    if (is_new && status != 0)
        unmake(place);
    if (err != MU_OK || (is_new && status != 0))
        operation_leave(place);
    else if (is_new && !place->quiet) /* not in the answer, which may be meant for a program */
        fprintf(stderr, "made a new data directory: %s\n", place->where.dir);
    return status;
}

int operation_run(struct operation_place *place, const struct operation *op, struct str input, struct buf *answer)
{
    int status = 1;
    enum mu_err err = place->at_rest || !place->where.dir
                          ? MU_E_OFFLINE
                          : local_call(place->where.dir, op->name, input, place->listener, &status, answer);

    if (err == MU_E_OFFLINE)
        return run_at_rest(place, op, input, answer);
    if (err == MU_OK)
        return status;
    buf_clear(answer);
    buf_append_str(answer, "the running server broke off; run the command again\n");
    return 1;
}

void operation_leave(struct operation_place *place)
{
    stores_close(&place->stores);
    place->at_rest = false;
}

void operation_print(const char *about, int status, const struct buf *answer)
{
    struct str left = { (const char *)answer->data, answer->len };

    if (status == 0) {
        if (left.len)
            fwrite(left.at, 1, left.len, stdout);
        return;
    }
    while (left.len) {
        struct str line = str_take_line(&left);
        fprintf(stderr, "%s: %.*s\n", about, (int)line.len, line.at);
    }
}

int operation_command(const char *about, struct operation_place *place, const struct operation *op, struct str input)
{
    struct buf answer;

    buf_init(&answer, LOCAL_ANSWER_MAX);
    int status = operation_run(place, op, input, &answer);
    operation_leave(place);
    if (status != 0 || !place->quiet || op->keeps_quiet)
        operation_print(about, status, &answer);
    buf_free(&answer);
    return status;
}
