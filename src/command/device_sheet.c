#include "command/device_sheet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "access/access.h"
#include "base/clock.h"
#include "command/device_undecoded.h"
#include "command/sheet.h"
#include "commit/unseen_end.h"

/* Writes the sheet of one device, section by section: verdict, session, identity, records, refusals
 * (device_sheet.h). */

#define LAST_RECORDS 5
/* This much of a longer payload is shown: its beginning says what it is. */
#define PAYLOAD_SHOWN 32

static const char *time_text(const struct operation_call *call, int64_t unix_s, char out[32])
{
    return sheet_time(call->stores->calendar, unix_s, out);
}

#define line(call, ...) sheet_line((call)->answer, __VA_ARGS__)

static void moment(const struct operation_call *call, const char *label, int64_t unix_s)
{
    char text[32], ago[32];

    if (unix_s == 0)
        line(call, label, "never");
    else
        line(call, label, "%s (%s ago)", time_text(call, unix_s, text), sheet_span(clock_wall_s() - unix_s, ago));
}

/* --- its identity ---------------------------------------------------------------------------------*/

static const char *or_unknown(const char *text)
{
    return text[0] ? text : "?";
}

static enum mu_err no_user(void *ctx, const struct user_row *user, bool is_owner)
{
    (void)ctx;
    (void)user;
    (void)is_owner;
    return MU_OK;
}

static void write_users(const struct operation_call *call, const struct fleet_device *d)
{
    struct users_page page = { .fn = no_user };
    struct bound_users q = { .product = d->product->no, .by = BOUND_BY_DID, .val = str_of(d->did) };

    if (registry_bound_users(call->stores->registry, &q, &page) == MU_OK)
        line(call, "users", "%" PRIu64 " bound", page.total);
}

static void write_identity(const struct operation_call *call, const struct fleet_device *d)
{
    const struct journal_versions *v = &d->versions;

    line(call, "did", "%s", d->did);
    line(call, "mac", "%s", d->mac);
    line(call, "product", "%s %s", d->product->product_key, atomic_load(&d->product->row)->name);
    line(call, "type", "%s%s%s", device_type_text(d->type), d->device_sn[0] ? ", sn " : "", d->device_sn);
    line(call, "disabled", "%s", d->is_disabled ? "yes" : "no");
    if (d->place.country[0])
        line(call, "place", "%s, %s, %s", d->place.country, or_unknown(d->place.region), or_unknown(d->place.city));
    write_users(call, d);
    moment(call, "registered", d->created_at);
    moment(call, "activated", d->activated_at);
    moment(call, "last login", d->online_latest);
    moment(call, "last report", d->last_report);
    line(call, "fault, alert", "%s, %s", d->is_faulty ? "yes" : "no", d->is_alert ? "yes" : "no");
    line(call, "module", "hard %s, soft %s", or_unknown(v->text[VERSION_WIFI_HARD]),
         or_unknown(v->text[VERSION_WIFI_SOFT]));
    line(call, "mcu", "hard %s, soft %s", or_unknown(v->text[VERSION_MCU_HARD]), or_unknown(v->text[VERSION_MCU_SOFT]));
}

/* --- its session ----------------------------------------------------------------------------------*/

static void write_session(const struct operation_call *call, const struct access_session *s)
{
    static const char *const versions[] = { [3] = "3.1", [4] = "3.1.1", [5] = "5.0" };
    char peer[IP_TEXT_SIZE], connected[32], silent[32], held[48] = "";

    ip_text(&s->peer, peer);
    if (s->keep_alive != s->announced_keep_alive)
        snprintf(held, sizeof(held), " (--keepalive-max: %u s)", s->keep_alive);
    line(call, "session", "MQTT %s%s from %s for %s, silent for %s, keepalive %u s%s, %u heartbeats",
         versions[s->version], s->tls ? " over TLS" : "", peer, sheet_span(s->connected_s, connected),
         sheet_span(s->silent_s, silent), s->announced_keep_alive, held, s->heartbeats);
    line(call, "", "%s controls%s, %u waiting; %u messages not acknowledged yet",
         s->hears_controls ? "listens to" : "does NOT listen to (it has not subscribed to app2dev)",
         s->paced ? ", one at a time (pacing)" : "", s->waiting_controls, s->uncommitted);
}

/* --- why it is offline ----------------------------------------------------------------------------*/

static bool find_session(const struct operation_call *call, const struct fleet_device *d, struct access_session *out)
{
    return call->access && access_find_session(call->access, d->no, out) == MU_OK;
}

struct newest {
    struct journal_session record; /* ts_us 0: no record is kept */
};

static enum mu_err keep_newest(void *ctx, const struct journal_session *s)
{
    struct newest *n = ctx;
    n->record = *s;
    return MU_OK;
}

static void newest_session_record(const struct operation_call *call, const struct fleet_device *d,
                                  struct journal_session *out)
{
    struct journal_window all = { .to_us = clock_wall_us() + CLOCK_STEP_US, .newest_first = true, .limit = 1 };
    struct newest n = { 0 };
    uint64_t total;

    unseen_end(call->stores->journal, d, out);
    if (out->ts_us == 0 && journal_sessions(call->stores->journal, d->no, &all, keep_newest, &n, &total) == MU_OK)
        *out = n.record;
}

/* Writes one line with the most likely reason. */
static void write_verdict(const struct operation_call *call, const struct fleet_device *d, bool online,
                          const struct refusal *refused)
{
    struct journal_session last;
    char ago[32];

    if (online) {
        line(call, "state", "online");
        return;
    }
    newest_session_record(call, d, &last);
    if (d->is_disabled)
        line(call, "state", "offline: it is disabled (muster enable --data DIR device %s)", d->did);
    else if (refused && refused->last_s > d->online_latest)
        line(call, "state", "offline: refused %s ago, %s", sheet_span(clock_wall_s() - refused->last_s, ago),
             refused->reason);
    else if (d->online_latest == 0)
        line(call, "state", "offline: it has registered, but never logged in over MQTT");
    else if (last.ts_us && last.end)
        line(call, "state", "offline: its session ended %s ago, %s; nothing was heard of it since",
             sheet_span(clock_wall_s() - last.ts_us / 1000000, ago), end_reason_text(last.reason));
    else
        line(call, "state", "offline");
}

/* --- lists ----------------------------------------------------------------------------------------*/

static void write_refusals(const struct operation_call *call, const char *label, const char *name)
{
    struct refusal list[REFUSALS_PER_NAME];
    char time[32], peer[IP_TEXT_SIZE];
    unsigned count = access_find_refusals(call->access, str_of(name), list);

    if (count == 0)
        line(call, label, "none");
    for (unsigned i = 0; i < count; i++) {
        ip_text(&list[i].peer, peer);
        line(call, i ? "" : label, "%s  %s  from %s%s", time_text(call, list[i].last_s, time), list[i].reason, peer,
             list[i].count > 1 ? "," : "");
        if (list[i].count > 1) {
            call->answer->len--; /* the line continues */
            buf_printf(call->answer, " %u times since %s\n", list[i].count, time_text(call, list[i].first_s, time));
        }
    }
}

struct sheet_list {
    const struct operation_call *call;
    const char *label;
};

static enum mu_err write_session_record(void *ctx, const struct journal_session *s)
{
    struct sheet_list *l = ctx;
    char time[32];

    time_text(l->call, s->ts_us / 1000000, time);
    if (s->end)
        line(l->call, l->label, "%s  dev_offline  %s, after %u s, %u heartbeats", time, end_reason_text(s->reason),
             s->duration, s->heartbeat.count);
    else
        line(l->call, l->label, "%s  %s", time, s->again ? "dev_re_online" : "dev_online");
    l->label = "";
    return l->call->answer->err;
}

static enum mu_err write_message(void *ctx, const struct journal_message *m)
{
    struct sheet_list *l = ctx;
    char time[32], hex[2 * PAYLOAD_SHOWN + 1];
    size_t shown = m->payload_len < PAYLOAD_SHOWN ? m->payload_len : PAYLOAD_SHOWN;

    hex_encode(m->payload, shown, hex);
    hex[2 * shown] = '\0';
    line(l->call, l->label, "%s  %s  %zu bytes%s  %s%s", time_text(l->call, m->ts_us / 1000000, time),
         m->kind == MESSAGE_APP2DEV ? "app2dev" : "dev2app", m->payload_len, m->decoded ? ", decoded" : "", hex,
         shown < m->payload_len ? "..." : "");
    l->label = "";
    return l->call->answer->err;
}

static void write_records(const struct operation_call *call, const struct fleet_device *d)
{
    struct journal_window newest = { .to_us = clock_wall_us() + CLOCK_STEP_US,
                                     .newest_first = true,
                                     .limit = LAST_RECORDS };
    struct sheet_list sessions = { call, "online log" }, messages = { call, "messages" };
    struct journal_session unseen;
    uint64_t total = 0;

    unseen_end(call->stores->journal, d, &unseen);
    if (unseen.ts_us) {
        (void)write_session_record(&sessions, &unseen);
        newest.limit--;
    }
    if (journal_sessions(call->stores->journal, d->no, &newest, write_session_record, &sessions, &total) != MU_OK ||
        (total == 0 && !unseen.ts_us))
        line(call, "online log", "none is kept");
    newest.limit = LAST_RECORDS;
    if (journal_messages(call->stores->journal, d->no, &newest, write_message, &messages, &total) != MU_OK ||
        total == 0)
        line(call, "messages", "none is kept");
}

/* --- the sheet ------------------------------------------------------------------------------------*/

/* The newer of the last refusals of the did and of the mac; false if neither was refused. */
static bool last_refusal(const struct operation_call *call, const struct fleet_device *d, struct refusal *out)
{
    struct refusal by_did[REFUSALS_PER_NAME], by_mac[REFUSALS_PER_NAME];

    if (!call->access)
        return false;
    bool did = access_find_refusals(call->access, str_of(d->did), by_did);
    bool mac = access_find_refusals(call->access, str_of(d->mac), by_mac);
    if (!did && !mac)
        return false;
    *out = !mac || (did && by_did[0].last_s >= by_mac[0].last_s) ? by_did[0] : by_mac[0];
    return true;
}

void device_sheet(const struct operation_call *call, const struct fleet_device *d)
{
    struct access_session session;
    struct refusal refused;
    char undecoded[300];
    bool online = find_session(call, d, &session), was_refused = last_refusal(call, d, &refused);

    write_verdict(call, d, online, was_refused ? &refused : NULL);
    if (online)
        write_session(call, &session);
    if (device_undecoded(call, d, undecoded, sizeof(undecoded)))
        line(call, "reports", "%s", undecoded);
    write_identity(call, d);
    write_records(call, d);
    if (call->access) {
        write_refusals(call, "refused (did)", d->did);
        write_refusals(call, "refused (mac)", d->mac);
    } else {
        line(call, "refused", "not known: no server runs here");
    }
}

bool device_sheet_of_stranger(const struct operation_call *call, struct str name)
{
    struct refusal list[REFUSALS_PER_NAME];
    char text[LIMIT_MAC + 1];

    if (!call->access || !str_copy(text, sizeof(text), name) || access_find_refusals(call->access, name, list) == 0)
        return false;
    line(call, "state", "unknown: no device has this did or mac");
    write_refusals(call, "refused", text);
    return true;
}
