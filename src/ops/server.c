#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "fleet/fleet_apply.h"
#include "ops/apply_command.h"
#include "ops/privileges.h"
#include "ops/server.h"

/* --- commands that come through the socket ---------------------------------------------------------*/

static int run_apply(void *ctx, struct str input, struct buf *answer)
{
    struct server *s = ctx;
    int status = apply_content(s->registry, input, answer);

    if (status == 0 && committer_follow_registry(s->committer) != MU_OK) {
        buf_printf(answer, "it is stored, but the server does not show it yet; see its log\n");
        status = 1;
    }
    return status;
}

static const struct local_command local_commands[] = {
    { "apply", run_apply },
};

/* --- starting --------------------------------------------------------------------------------------*/

static enum mu_err read_trusted_proxies(struct server *s)
{
    const char *text = setting_text(&s->settings, "trusted-proxies");

    while (text && *text) {
        size_t n = strcspn(text, ", ");
        if (n && (s->trusted_proxy_count == SERVER_PROXIES_MAX ||
                  cidr_parse((struct str){ text, n }, &s->trusted_proxies[s->trusted_proxy_count++]) !=
                      MU_OK)) {
            snprintf(s->why, sizeof(s->why),
                     "--trusted-proxies: '%.*s' is not a network, or there are more than %d", (int)n,
                     text, SERVER_PROXIES_MAX);
            return MU_E_SYNTAX;
        }
        text += n + (text[n] != '\0');
    }
    return MU_OK;
}

/* HOST:PORT, as it is told to devices: the port is a number, the host is theirs to resolve. */
static enum mu_err check_advertised(struct server *s)
{
    const char *text = setting_text(&s->settings, "mqtt-advertise");
    const char *colon = text ? strrchr(text, ':') : NULL;
    int64_t port;

    if (!text || (colon && colon > text && !strpbrk(text, "& \t\r\n") &&
                  str_int64(str_of(colon + 1), &port) && port >= 1 && port <= 65535))
        return MU_OK;
    snprintf(s->why, sizeof(s->why), "--mqtt-advertise: '%s' is not of the form HOST:PORT", text);
    return MU_E_SYNTAX;
}

/* What may need root: descriptors, low ports, the key file, a directory for the user to be. */
static enum mu_err prepare_as_started(struct server *s)
{
    const char *user = setting_text(&s->settings, "user");
    const char *cert = setting_text(&s->settings, "tls-cert"),
               *key = setting_text(&s->settings, "tls-key");
    enum mu_err err;

    privileges_raise_descriptors();
    if (!cert != !key) {
        snprintf(s->why, sizeof(s->why), "--tls-cert and --tls-key go together");
        return MU_E_SYNTAX;
    }
    if ((err = read_trusted_proxies(s)) != MU_OK)
        return err;
    if ((err = check_advertised(s)) != MU_OK)
        return err;
    if (cert && tls_context_load(&s->tls, cert, key, s->why, sizeof(s->why)) != MU_OK)
        return MU_E_SYNTAX;

    unsigned long threads = setting_count(&s->settings, "threads");
    if (threads == 0)
        threads = (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
    s->loop_count = threads > SERVER_LOOPS_MAX ? SERVER_LOOPS_MAX : (unsigned)threads;
    for (unsigned i = 0; i < s->loop_count; i++)
        if ((err = loop_create(&s->loops[i], i)) != MU_OK)
            return err;
    if ((err = server_listen(s)) != MU_OK)
        return err;

    if (geteuid() != 0)
        return MU_OK;
    if (!user) {
        log_event(LOG_WARN, "running_as_root", "hint=\"give --user NAME\"");
        return MU_OK;
    }
    if ((err = data_dir_check(setting_text(&s->settings, "data"), s->why, sizeof(s->why))) != MU_OK ||
        (err = privileges_give_dir(setting_text(&s->settings, "data"), user, s->why, sizeof(s->why))) !=
            MU_OK)
        return err;
    return privileges_drop(user, s->why, sizeof(s->why));
}

/* Days are cut in this zone and remembered so; cutting them anew would need every message. */
static enum mu_err open_calendar(struct server *s)
{
    const char *zone = setting_text(&s->settings, "time-zone");
    char stored[64];
    enum mu_err err;

    if ((err = calendar_open(&s->calendar, zone)) != MU_OK) {
        snprintf(s->why, sizeof(s->why), "--time-zone: '%s' is not a time zone of this machine", zone);
        return err == MU_E_NOT_FOUND ? MU_E_SYNTAX : err;
    }
    err = registry_get_fact(s->registry, "time_zone", stored, sizeof(stored));
    if (err == MU_E_NOT_FOUND)
        return registry_set_fact(s->registry, "time_zone", zone);
    if (err == MU_OK && strcmp(stored, zone) != 0) {
        snprintf(s->why, sizeof(s->why),
                 "the days of this data directory are cut in %s, not in %s: what has been "
                 "counted by day cannot be cut anew; start with --time-zone %s",
                 stored, zone, stored);
        return MU_E_SYNTAX;
    }
    return err;
}

static enum mu_err open_stores(struct server *s)
{
    const char *dir = setting_text(&s->settings, "data");
    struct journal_options options = { .retention_days = (unsigned)setting_count(&s->settings,
                                                                                 "retention-days") };
    enum mu_err err;

    if ((err = data_dir_open(&s->data, dir, s->why, sizeof(s->why))) != MU_OK
        || (err = registry_open(&s->registry, dir, s->why, sizeof(s->why))) != MU_OK
        || (err = open_calendar(s)) != MU_OK
        || (err = journal_open(&s->journal, dir, &options, s->why, sizeof(s->why))) != MU_OK
        || (err = fleet_create(&s->fleet)) != MU_OK)
        return err;
    return committer_start(&s->committer, &(struct committer_options){
        .fleet = s->fleet, .registry = s->registry, .journal = s->journal, .calendar = s->calendar,
        .activity_days = (unsigned)setting_count(&s->settings, "activity-days") });
}

static enum mu_err create_access(struct server *s)
{
    const struct settings *set = &s->settings;
    struct access_options options = {
        .fleet = s->fleet, .registry = s->registry, .committer = s->committer, .workers = s->workers,
        .loops = s->loops, .loop_count = s->loop_count,
        .geoip_db = setting_text(set, "geoip-db"),
        .mqtt_advertise = setting_text(set, "mqtt-advertise"),
        .mqtt_port = s->listeners[LISTEN_MQTT] ? net_address_port(&s->addresses[LISTEN_MQTT]) : 0,
        .device_messages = setting_number(set, "device-messages"),
        .device_messages_burst = setting_number(set, "device-messages-burst"),
        .device_bytes = setting_number(set, "device-bytes"),
        .address_registrations = setting_number(set, "address-registrations"),
        .address_connections = setting_number(set, "address-connections"),
        .product_registrations = setting_number(set, "product-registrations"),
        .mqtt_packet_max = (uint32_t)setting_count(set, "mqtt-packet-max"),
        .mqtt_connections_max = (uint32_t)setting_count(set, "mqtt-connections-max"),
    };
    return access_create(&s->access, &options, s->why, sizeof(s->why));
}

static enum mu_err create_http(struct server *s)
{
    const struct settings *set = &s->settings;
    struct http_settings http = {
        .head_timeout_ms = (int)(setting_number(set, "http-head-timeout") * 1000),
        .idle_timeout_ms = (int)(setting_number(set, "http-idle-timeout") * 1000),
        .max_connections = (unsigned)setting_count(set, "http-connections-max") / s->loop_count + 1,
    };
    struct api_options options = {
        .fleet = s->fleet, .registry = s->registry, .journal = s->journal, .committer = s->committer,
        .calendar = s->calendar, .workers = s->workers, .control = access_control_port(s->access),
        .cors_origin = setting_text(set, "cors-origin"),
        .trusted_proxies = s->trusted_proxies, .trusted_proxy_count = s->trusted_proxy_count,
    };
    struct http_table *tables[4];
    enum mu_err err;

    if ((err = api_create(&s->api, &options)) != MU_OK || (err = metrics_create(&s->metrics)) != MU_OK ||
        (err = http_server_create(&s->public_http, &http, s->workers, api_write_error,
                                  metrics_count_request, s->metrics)) != MU_OK ||
        (err = http_server_create(&s->ops_http, &http, s->workers, health_write_error, NULL, NULL)) !=
            MU_OK)
        return err;
    size_t count = api_http_tables(s->api, tables, sizeof(tables) / sizeof(tables[0]));
    for (size_t i = 0; i < count; i++)
        if ((err = http_server_add(s->public_http, tables[i])) != MU_OK)
            return err;
    health_init(&s->public_health, s->committer);
    health_init(&s->ops_health, s->committer);
    metrics_attach(s->metrics, s->public_http, s->fleet, s->committer, s->access);
    if ((err = http_server_add(s->public_http, access_http_table(s->access))) != MU_OK
        || (err = http_server_add(s->public_http, &s->public_health.table)) != MU_OK
        || (err = http_server_add(s->ops_http, &s->ops_health.table)) != MU_OK)
        return err;
    return http_server_add(s->ops_http, metrics_http_table(s->metrics));
}

enum mu_err server_start(struct server *s)
{
    enum mu_err err;

    if ((err = prepare_as_started(s)) != MU_OK || (err = open_stores(s)) != MU_OK ||
        (err = workers_create(&s->workers, (unsigned)setting_count(&s->settings, "workers"))) != MU_OK ||
        (err = create_access(s)) != MU_OK || (err = create_http(s)) != MU_OK ||
        (err = local_serve(&s->local, s->data.path, local_commands,
                           sizeof(local_commands) / sizeof(local_commands[0]), s, s->why,
                           sizeof(s->why))) != MU_OK)
        return err;
    for (; s->loops_started < s->loop_count; s->loops_started++)
        if ((err = loop_start(s->loops[s->loops_started])) != MU_OK)
            return err;
    return MU_OK;
}

/* --- ending ----------------------------------------------------------------------------------------*/

void server_stop(struct server *s)
{
    local_stop(s->local);
    if (s->loops_started && s->loops_started == s->loop_count)
        access_shutdown(s->access, END_EXCEPTION);
    for (unsigned i = 0; i < s->loops_started; i++)
        loop_stop(s->loops[i]);
    for (unsigned i = 0; i < s->loops_started; i++)
        loop_join(s->loops[i]);
    for (int i = 0; i < LISTENER_COUNT; i++)
        if (s->listeners[i])
            listener_close(s->listeners[i]);
    if (s->workers)
        workers_destroy(s->workers);
    if (s->committer)
        committer_stop(s->committer);
    if (s->public_http)
        http_server_destroy(s->public_http);
    if (s->ops_http)
        http_server_destroy(s->ops_http);
    if (s->access)
        access_destroy(s->access);
    if (s->api)
        api_destroy(s->api);
    metrics_destroy(s->metrics);
    for (unsigned i = 0; i < s->loop_count; i++)
        if (s->loops[i])
            loop_destroy(s->loops[i]);
    if (s->fleet)
        fleet_destroy(s->fleet);
    if (s->journal)
        journal_close(s->journal);
    if (s->registry)
        registry_close(s->registry);
    if (s->calendar)
        calendar_free(s->calendar);
    if (s->tls)
        tls_context_free(s->tls);
    data_dir_close(&s->data);
}
