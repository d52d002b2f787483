/* muster status: the state of a data directory and of its server. */

#include <stdio.h>
#include <unistd.h>

#include "access/access.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/log_errors.h"
#include "base/version.h"
#include "command/backup_fact.h"
#include "command/commands.h"
#include "command/sheet.h"
#include "ops/disk_use.h"
#include "ops/settings.h"
#include "postgres/pg.h"

/* --- in the server or at rest ----------------------------------------------------------------------*/

struct status {
    struct registry_totals totals;
    char store[512]; /* the database; "": the stores are in the directory, and what follows is known */
    struct disk_use disk;
    bool has_backup;
    struct backup_fact backup;
    /* Only from a server: */
    struct access_figures figures;
    bool disk_full;
    struct node_view nodes[NODES_SHOWN];
    size_t node_count; /* 0: the stores are this server's alone */
    struct nodes_figures bus;
    uint64_t waiting_logins;
    struct log_error errors[LOG_ERRORS_KEPT];
    size_t error_count;
};

static enum mu_err gather_directory(const struct operation_call *call, struct status *st)
{
    enum mu_err err = backup_fact_read(call->stores->registry, &st->backup);

    st->has_backup = err == MU_OK;
    disk_use_read(call->stores->data.path, &st->disk);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

static void gather_nodes(const struct operation_call *call, struct status *st)
{
    struct committer_figures c;

    if (!call->stores->nodes)
        return;
    st->node_count = nodes_view(call->stores->nodes, st->nodes, NODES_SHOWN);
    st->bus = nodes_get_figures(call->stores->nodes);
    committer_get_figures(call->stores->committer, &c);
    st->waiting_logins = c.waiting_logins;
}

static enum mu_err gather(const struct operation_call *call, struct status *st)
{
    enum mu_err err;

    if ((err = registry_count(call->stores->registry, &st->totals)) != MU_OK)
        return err;
    if (call->stores->store)
        pg_show_uri(call->stores->store, st->store, sizeof(st->store));
    else if ((err = gather_directory(call, st)) != MU_OK)
        return err;
    if (!call->access)
        return MU_OK;
    access_get_figures(call->access, &st->figures);
    st->disk_full = committer_failing(call->stores->committer) == MU_E_FULL;
    gather_nodes(call, st);
    st->error_count = log_errors(st->errors);
    return MU_OK;
}

static void write_directory(const struct operation_call *call, const struct status *st)
{
    struct buf *out = call->answer;
    char one[32], two[32];

    sheet_line(out, "registry", "%s", sheet_bytes(st->disk.registry, one));
    sheet_line(out, "journal", "%s", sheet_bytes(st->disk.journal, one));
    sheet_line(out, "disk", "%s of %s free%s", sheet_bytes(st->disk.free, one), sheet_bytes(st->disk.size, two),
               st->disk_full ? ": full, reports are not acknowledged" : "");
    if (st->has_backup)
        sheet_line(out, "last backup", "%s (%s ago) to %s", sheet_time(call->stores->calendar, st->backup.at_s, one),
                   sheet_span(clock_wall_s() - st->backup.at_s, two), st->backup.dest);
    else
        sheet_line(out, "last backup", "never");
}

static void write_nodes(struct buf *out, const struct status *st)
{
    for (size_t i = 0; i < st->node_count; i++) {
        const struct node_view *n = &st->nodes[i];
        sheet_line(out, i ? "" : "nodes", "start %llu on %s%s, last sign of life %.1f s ago, %llu commits behind",
                   (unsigned long long)n->boot, n->name, n->own ? " (this one)" : "", (double)n->silent_ms / 1000,
                   (unsigned long long)n->behind);
    }
    if (st->node_count)
        sheet_line(out, "between nodes", "%llu messages sent, %llu received, %llu lost; %llu logins wait",
                   (unsigned long long)st->bus.sent, (unsigned long long)st->bus.received,
                   (unsigned long long)st->bus.lost, (unsigned long long)st->waiting_logins);
}

static void put_nodes(struct json_out *j, const struct status *st)
{
    json_put_array(j, "nodes");
    for (size_t i = 0; i < st->node_count; i++) {
        const struct node_view *n = &st->nodes[i];
        json_object_begin(j);
        json_put_count(j, "boot", n->boot);
        json_put_text(j, "name", n->name);
        json_put_bool(j, "own", n->own);
        json_put_int(j, "silent_ms", n->silent_ms);
        json_put_int(j, "lease_ms", st->bus.lease_ms);
        json_put_count(j, "behind_commits", n->behind);
        json_object_end(j);
    }
    json_array_end(j);
    json_put_object(j, "between_nodes");
    json_put_count(j, "sent", st->bus.sent);
    json_put_count(j, "received", st->bus.received);
    json_put_count(j, "lost", st->bus.lost);
    json_put_count(j, "waiting_logins", st->waiting_logins);
    json_object_end(j);
}

static void write_text(const struct operation_call *call, const struct status *st)
{
    struct buf *out = call->answer;
    char one[32], two[32];

    sheet_line(out, "version", "%s (commit %s)", version_text, version_commit);
    if (call->access)
        sheet_line(out, "server", "up for %s, since %s, process %d", sheet_span(call->uptime_s, one),
                   sheet_time(call->stores->calendar, clock_wall_s() - call->uptime_s, two), (int)getpid());
    else
        sheet_line(out, "server", "none runs here");
    if (call->access)
        sheet_line(out, "sessions", "%llu, in %llu connections", (unsigned long long)st->figures.sessions,
                   (unsigned long long)st->figures.connections);
    sheet_line(out, "configured", "%llu enterprises, %llu products, %llu devices, %llu users",
               (unsigned long long)st->totals.enterprises, (unsigned long long)st->totals.products,
               (unsigned long long)st->totals.devices, (unsigned long long)st->totals.users);
    if (*st->store)
        sheet_line(out, "stores", "%s%s", st->store,
                   st->disk_full ? ": its disk is full, reports are not acknowledged" : "");
    else
        write_directory(call, st);
    write_nodes(out, st);
    if (!call->access)
        sheet_line(out, "last failures", "not known: no server runs here");
    else if (!st->error_count)
        sheet_line(out, "last failures", "none since the start");
    for (size_t i = 0; i < st->error_count; i++)
        sheet_line(out, i ? "" : "last failures", "%s %s %s (%llu in all)",
                   sheet_time(call->stores->calendar, st->errors[i].last_s, one), st->errors[i].event,
                   st->errors[i].line, (unsigned long long)st->errors[i].count);
}

static void write_server(const struct operation_call *call, const struct status *st, struct json_out *j)
{
    json_key(j, "server");
    if (!call->access) {
        json_no_value(j);
        return;
    }
    json_object_begin(j);
    json_put_int(j, "pid", getpid());
    json_put_int(j, "uptime", call->uptime_s);
    json_put_count(j, "sessions", st->figures.sessions);
    json_put_count(j, "connections", st->figures.connections);
    json_put_bool(j, "disk_full", st->disk_full);
    if (st->node_count)
        put_nodes(j, st);
    json_put_array(j, "last_failures");
    for (size_t i = 0; i < st->error_count; i++) {
        json_object_begin(j);
        json_put_int(j, "first_at", st->errors[i].first_s);
        json_put_int(j, "last_at", st->errors[i].last_s);
        json_put_count(j, "count", st->errors[i].count);
        json_put_text(j, "event", st->errors[i].event);
        json_put_text(j, "what", st->errors[i].line);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

/* A figure of a data directory. */
static void put_of_directory(struct json_out *j, const struct status *st, const char *name, uint64_t value)
{
    if (!*st->store) {
        json_put_count(j, name, value);
        return;
    }
    json_key(j, name);
    json_no_value(j);
}

static void write_json(const struct operation_call *call, const struct status *st)
{
    struct json_out j = json_out_to(call->answer);

    json_object_begin(&j);
    json_put_text(&j, "version", version_text);
    json_put_text(&j, "commit", version_commit);
    write_server(call, st, &j);
    json_put_count(&j, "enterprises", st->totals.enterprises);
    json_put_count(&j, "products", st->totals.products);
    json_put_count(&j, "devices", st->totals.devices);
    json_put_count(&j, "users", st->totals.users);
    json_put_text_or_null(&j, "store", st->store);
    put_of_directory(&j, st, "registry_bytes", st->disk.registry);
    put_of_directory(&j, st, "journal_bytes", st->disk.journal);
    put_of_directory(&j, st, "disk_bytes", st->disk.size);
    put_of_directory(&j, st, "free_bytes", st->disk.free);
    json_key(&j, "last_backup");
    if (st->has_backup) {
        json_object_begin(&j);
        json_put_int(&j, "at", st->backup.at_s);
        json_put_count(&j, "bytes", st->backup.bytes);
        json_put_text(&j, "to", st->backup.dest);
        json_object_end(&j);
    } else {
        json_no_value(&j);
    }
    json_object_end(&j);
    buf_append_u8(call->answer, '\n');
}

static int run_status(const struct operation_call *call)
{
    struct status st = { 0 };
    enum mu_err err = gather(call, &st);

    if (err == MU_OK)
        (str_eq(call->input, STR("json")) ? write_json : write_text)(call, &st);
    return operation_result(call, err);
}

const struct operation command_op_status = { .name = "status", .needs = STORES_REGISTRY, .run = run_status };

/* --- the command's side --------------------------------------------------------------------------- */

static int status(const struct settings *s)
{
    struct operation_place place = operation_place(s);

    return operation_command("muster status", &place, &command_op_status,
                             setting_on(s, "json") ? STR("json") : STR(""));
}

/* clang-format off: a table */
static const struct setting status_settings[] = { STORES_SETTINGS, CONFIG_SETTING,
                                                  JSON_SETTING("one JSON object, for programs; times are Unix seconds"),
                                                  COMMON_SETTINGS };
/* clang-format on */

const struct command command_status = {
    .name = "status",
    .group = COMMAND_SERVER,
    .summary = "shows how a server and its data are",
    .description = "Shows how the server is, or the directory at rest: version, sessions, sizes, free disk, the last "
                   "backup, and the last failures that stand in the log.",
    .settings = status_settings,
    .examples = { { "muster status --data data --json", "for a program" } },
    .run = status,
};
