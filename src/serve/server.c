#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "command/commands.h"
#include "ops/file.h"
#include "ops/privileges.h"
#include "serve/front.h"
#include "serve/server.h"

/* --- commands that come through the socket ---------------------------------------------------------*/

static int run_operation(void *ctx, struct str name, uid_t uid, struct str input, struct buf *answer)
{
    struct server *s = ctx;
    const struct operation *op = command_operation(name);

    if (!op) {
        buf_append_str(answer, "the running server has no command of this name; is it older?\n");
        return 1;
    }
    return op->run(&(struct operation_call){ .stores = &s->stores,
                                             .access = s->access,
                                             .uptime_s = clock_mono_ms() / 1000 - s->started_s,
                                             .uid = uid,
                                             .input = input,
                                             .answer = answer });
}

/* --- starting --------------------------------------------------------------------------------------*/

static enum mu_err read_trusted_proxies(struct server *s)
{
    const char *text = setting_text(s->settings, "trusted-proxies");

    while (text && *text) {
        size_t n = strcspn(text, ", ");
        if (n && (s->trusted_proxy_count == SERVER_PROXIES_MAX ||
                  cidr_parse((struct str){ text, n }, &s->trusted_proxies[s->trusted_proxy_count++]) != MU_OK)) {
            snprintf(s->why, sizeof(s->why), "--trusted-proxies: '%.*s' is not a network, or there are more than %d",
                     (int)n, text, SERVER_PROXIES_MAX);
            return MU_E_SYNTAX;
        }
        text += n + (text[n] != '\0');
    }
    return MU_OK;
}

/* HOST:PORT, as it is told to devices: the port is a number, the host is theirs to resolve. */
static enum mu_err check_advertised(struct server *s)
{
    const char *text = setting_text(s->settings, "mqtt-advertise");
    const char *colon = text ? strrchr(text, ':') : NULL;
    int64_t port;

    if (!text || (colon && colon > text && !strpbrk(text, "& \t\r\n") && str_int64(str_of(colon + 1), &port) &&
                  port >= 1 && port <= 65535))
        return MU_OK;
    snprintf(s->why, sizeof(s->why), "--mqtt-advertise: '%s' is not of the form HOST:PORT", text);
    return MU_E_SYNTAX;
}

/* As the user to be, who leaves his files there. Before the ports: of two faults, that of the directory
 * says more. */
static enum mu_err look_at_stores(struct server *s, const char *user)
{
    const char *dir = setting_text(s->settings, "data");
    bool is_new;
    enum mu_err err;

    if (user && ((err = data_dir_check(dir, &is_new, s->why, sizeof(s->why))) != MU_OK ||
                 (err = privileges_give_dir(dir, user, s->why, sizeof(s->why))) != MU_OK ||
                 (err = privileges_step_down(user, s->why, sizeof(s->why))) != MU_OK))
        return err;
    err = stores_look(&s->stores, dir, s->why, sizeof(s->why));
    if (err == MU_OK && s->stores.data.made) /* if that is not what was meant, the name was mistyped */
        log_event(LOG_INFO, "data_directory_made", "path=%s hint=\"a new, empty one\"", LOG_Q(dir, -1));
    if (err == MU_OK && user)
        err = privileges_step_up(s->why, sizeof(s->why));
    return err;
}

/* What may need root: descriptors, the key file, a directory for the user to be, low ports. */
static enum mu_err prepare_as_started(struct server *s)
{
    bool is_root = geteuid() == 0;
    const char *user = is_root ? setting_text(s->settings, "user") : NULL;
    const char *cert = setting_text(s->settings, "tls-cert"), *key = setting_text(s->settings, "tls-key");
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

    if ((err = server_read_addresses(s)) != MU_OK)
        return err;
    unsigned long threads = setting_count(s->settings, "threads");
    if (threads == 0)
        threads = (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
    s->loop_count = threads > SERVER_LOOPS_MAX ? SERVER_LOOPS_MAX : (unsigned)threads;
    for (unsigned i = 0; i < s->loop_count; i++)
        if ((err = loop_create(&s->loops[i], i)) != MU_OK)
            return err;
    if ((err = look_at_stores(s, user)) != MU_OK || (err = server_listen(s)) != MU_OK)
        return err;
    if (user)
        return privileges_drop(user, s->why, sizeof(s->why));
    if (is_root)
        log_event(LOG_WARN, "running_as_root", "hint=\"give --user NAME\"");
    return MU_OK;
}

static enum mu_err open_stores(struct server *s)
{
    return stores_open(
        &s->stores,
        &(struct stores_settings){ .time_zone = setting_text(s->settings, "time-zone"),
                                   .retention_days = (unsigned)setting_count(s->settings, "retention-days"),
                                   .activity_days = (unsigned)setting_count(s->settings, "activity-days") },
        s->why, sizeof(s->why));
}

static enum mu_err create_access(struct server *s)
{
    const struct settings *set = s->settings;
    struct access_options options = {
        .fleet = s->stores.fleet,
        .registry = s->stores.registry,
        .committer = s->stores.committer,
        .workers = s->workers,
        .loops = s->loops,
        .loop_count = s->loop_count,
        .geoip_db = setting_text(set, "geoip-db"),
        .mqtt_advertise = setting_text(set, "mqtt-advertise"),
        .mqtt_port = s->listeners[LISTEN_MQTT] ? net_address_port(&s->addresses[LISTEN_MQTT]) : 0,
        .device_messages = setting_number(set, "device-messages"),
        .device_messages_burst = setting_number(set, "device-messages-burst"),
        .device_bytes = setting_number(set, "device-bytes"),
        .address_registrations = setting_number(set, "address-registrations"),
        .address_connections = setting_number(set, "address-connections"),
        .product_registrations = setting_number(set, "product-registrations"),
        .address_guesses = setting_number(set, "address-guesses"),
        .device_guesses = setting_number(set, "device-guesses"),
        .keep_alive_max = (uint16_t)setting_count(set, "keepalive-max"),
        .mqtt_packet_max = (uint32_t)setting_count(set, "mqtt-packet-max"),
        .mqtt_connections_max = (uint32_t)setting_count(set, "mqtt-connections-max"),
    };
    return access_create(&s->access, &options, s->why, sizeof(s->why));
}

static enum mu_err create_debugger(struct server *s)
{
    const char *path = setting_text(s->settings, "demo-credentials");
    struct str content = { 0 };
    struct buf file;
    char why[256];
    enum mu_err err = MU_OK;

    buf_init(&file, 256 * 1024);
    if (path) {
        if ((err = file_read(path, &file, s->why, sizeof(s->why))) != MU_OK)
            goto out;
        log_event(LOG_WARN, "demo_credentials_given_away", "file=%s hint=\"never in production\"", LOG_Q(path, -1));
        content = (struct str){ file.data ? (const char *)file.data : "", file.len };
    }
    err = debugger_create(&s->debugger, content, why, sizeof(why));
    if (err == MU_E_SYNTAX)
        snprintf(s->why, sizeof(s->why), "--demo-credentials %s: %s", path, why);
out:
    buf_free(&file);
    return err;
}

static enum mu_err create_http(struct server *s)
{
    const struct settings *set = s->settings;
    struct http_settings http = {
        .head_timeout_ms = (int)(setting_number(set, "http-head-timeout") * 1000),
        .idle_timeout_ms = (int)(setting_number(set, "http-idle-timeout") * 1000),
        .max_connections = (uint32_t)setting_count(set, "http-connections-max"),
        .trusted_proxies = s->trusted_proxies,
        .trusted_proxy_count = s->trusted_proxy_count,
    };
    struct api_options options = {
        .fleet = s->stores.fleet,
        .registry = s->stores.registry,
        .journal = s->stores.journal,
        .committer = s->stores.committer,
        .calendar = s->stores.calendar,
        .workers = s->workers,
        .control = access_control_port(s->access),
        .cors_origin = setting_text(set, "cors-origin"),
    };
    struct http_table *tables[4];
    enum mu_err err;

    if ((err = api_create(&s->api, &options)) != MU_OK || (err = metrics_create(&s->metrics, s->loop_count)) != MU_OK ||
        (err = http_server_create(&s->public_http, &http, s->workers, api_write_error, metrics_count_request,
                                  s->metrics)) != MU_OK ||
        (err = http_server_create(&s->ops_http, &http, s->workers, health_write_error, NULL, NULL)) != MU_OK)
        return err;
    size_t count = api_http_tables(s->api, tables, sizeof(tables) / sizeof(tables[0]));
    for (size_t i = 0; i < count; i++)
        if ((err = http_server_add(s->public_http, tables[i])) != MU_OK)
            return err;
    health_init(&s->public_health, s->stores.committer);
    health_init(&s->ops_health, s->stores.committer);
    metrics_attach(s->metrics, &(struct metrics_sources){
                                   .http = s->public_http, .stores = &s->stores, .access = s->access, .tls = s->tls });
    if ((err = create_debugger(s)) != MU_OK ||
        (err = http_server_add(s->public_http, debugger_http_table(s->debugger))) != MU_OK ||
        (err = http_server_add(s->public_http, access_http_table(s->access))) != MU_OK ||
        (err = http_server_add(s->public_http, front_public_table(api_write_error))) != MU_OK ||
        (err = http_server_add(s->public_http, &s->public_health.table)) != MU_OK ||
        (err = http_server_add(s->ops_http, front_ops_table())) != MU_OK ||
        (err = http_server_add(s->ops_http, &s->ops_health.table)) != MU_OK)
        return err;
    return http_server_add(s->ops_http, metrics_http_table(s->metrics));
}

enum mu_err server_start(struct server *s)
{
    enum mu_err err;

    s->started_s = clock_mono_ms() / 1000;
    if ((err = prepare_as_started(s)) != MU_OK || (err = open_stores(s)) != MU_OK ||
        (err = workers_create(&s->workers, (unsigned)setting_count(s->settings, "workers"))) != MU_OK ||
        (err = create_access(s)) != MU_OK || (err = create_http(s)) != MU_OK ||
        (err = local_serve(&s->local, s->stores.data.path, run_operation, s, s->why, sizeof(s->why))) != MU_OK)
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
    stores_stop_committing(&s->stores);
    if (s->public_http)
        http_server_destroy(s->public_http);
    if (s->ops_http)
        http_server_destroy(s->ops_http);
    if (s->access)
        access_destroy(s->access);
    if (s->api)
        api_destroy(s->api);
    debugger_destroy(s->debugger);
    metrics_destroy(s->metrics);
    for (unsigned i = 0; i < s->loop_count; i++)
        if (s->loops[i])
            loop_destroy(s->loops[i]);
    stores_close(&s->stores);
    if (s->tls)
        tls_context_free(s->tls);
}
