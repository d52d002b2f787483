#include "ops/operation.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ops/local.h"

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
    return 1; /* what was given has been looked at before */
}

/* Nothing is made where there is nothing, unless that is what the operation is for. */
static enum mu_err open_at_rest(struct operation_place *place, const struct operation *op, char *why, size_t why_size)
{
    bool is_new;
    enum mu_err err = data_dir_check(place->dir, &is_new, why, why_size);

    if (err == MU_OK && is_new && !op->makes_directory) {
        snprintf(why, why_size,
                 access(place->dir, F_OK) == 0 ? "%s is empty, and no data directory" : "there is no directory %s",
                 place->dir);
        err = MU_E_NOT_FOUND;
    }
    if (err != MU_OK)
        return err;
    place->uid = getuid();   /* who asks; from here on it may be the directory's owner */
    log_set_level(LOG_WARN); /* the operator is at the terminal: what is told there is for him */
    err = stores_open_at_rest(&place->stores, place->dir, op->needs, why, why_size);
    if (err == MU_OK && is_new) /* not in the answer, which may be for a program */
        fprintf(stderr, "made a new data directory: %s\n", place->dir);
    return err;
}

static int run_at_rest(struct operation_place *place, const struct operation *op, struct str input, struct buf *answer)
{
    char why[512] = "";
    enum mu_err err = place->at_rest ? MU_OK : open_at_rest(place, op, why, sizeof(why));

    if (err != MU_OK) {
        operation_leave(place);
        buf_printf(answer, "%s\n", why[0] ? why : mu_err_text(err));
        return operation_status(err);
    }
    place->at_rest = true;
    return op->run(
        &(struct operation_call){ .stores = &place->stores, .uid = place->uid, .input = input, .answer = answer });
}

int operation_run(struct operation_place *place, const struct operation *op, struct str input, struct buf *answer)
{
    int status = 1;
    enum mu_err err = place->at_rest ? MU_E_OFFLINE : local_call(place->dir, op->name, input, &status, answer);

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

int operation_command(const char *about, const char *dir, const struct operation *op, struct str input)
{
    struct operation_place place = OPERATION_PLACE(dir);
    struct buf answer;

    buf_init(&answer, LOCAL_ANSWER_MAX);
    int status = operation_run(&place, op, input, &answer);
    operation_leave(&place);
    operation_print(about, status, &answer);
    buf_free(&answer);
    return status;
}
