#include "command/backup_fact.h"

#include <inttypes.h>
#include <stdio.h>

#include "command/commands.h"

#define FACT "last_backup" /* "1796000000 123456 /backups/monday" */

static bool parse(const char *text, struct backup_fact *out)
{
    int path = 0;

    if (sscanf(text, "%" SCNd64 " %" SCNu64 " %n", &out->at_s, &out->bytes, &path) != 2 || !path)
        return false;
    return str_copy(out->dest, sizeof(out->dest), str_of(text + path));
}

enum mu_err backup_fact_read(struct registry *reg, struct backup_fact *out)
{
    char text[sizeof(out->dest) + 64];
    enum mu_err err = registry_get_fact(reg, FACT, text, sizeof(text));

    return err == MU_OK && !parse(text, out) ? MU_E_CORRUPT : err;
}

void backup_fact_request(struct buf *out, const struct backup_fact *fact)
{
    buf_printf(out, "%" PRId64 " %" PRIu64 " %s", fact->at_s, fact->bytes, fact->dest);
}

static int run_done(const struct operation_call *call)
{
    char text[sizeof(((struct backup_fact *)0)->dest) + 64];
    struct backup_fact fact;

    if (!str_copy(text, sizeof(text), call->input) || !parse(text, &fact))
        return operation_result(call, MU_E_SYNTAX);
    return operation_result(call, registry_set_fact(call->stores->registry, FACT, text));
}

const struct operation command_op_backup_done = {
    .name = "backup-done",
    .needs = STORES_REGISTRY,
    .run = run_done,
    .changes = true,
};
