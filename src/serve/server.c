#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "command/commands.h"
#include "ops/file.h"
#include "ops/operation.h"
#include "ops/privileges.h"
#include "serve/front.h"
#include "serve/server.h"

/* Starts and stops the server: everything is opened here in order, and closed in the opposite order. */

/* --- commands that arrive through the socket -----------------------------------------------------------*/

static int run_operation(void *ctx, const struct local_request *request, struct buf *answer)
{
    struct server *s = ctx;
    const struct operation *op = command_operation(request->name);

    if (!op) {
        buf_append_str(answer, "the running server has no command of this name; is it older?\n");
        return 1;
    }
    if (op->changes)
        pthread_mutex_lock(&s->changing);
    int status = op->run(&(struct operation_call){ .stores = &s->stores,
                                                   .access = s->access,
                                                   .uptime_s = clock_mono_ms() / 1000 - s->started_s,
                                                   .uid = request->uid,
                                                   .input = request->input,
                                                   .client = request->client,
                                                   .answer = answer });
    if (op->changes)
        pthread_mutex_unlock(&s->changing);
    return status;
}

/* --- starting --------------------------------------------------------------------------------------*/

/* Runs as the user whom the server will become, so that files belong to him. It comes before the ports: if both
 * fail, the error of the directory is the more useful one. */
static enum mu_err look_at_stores(struct server *s, const char *user)
{
    struct stores_where where = operation_where(s->settings);
    const char *dir = where.dir;
    bool is_new;
    enum mu_err err;

    if (user && ((err = data_dir_check(dir, &is_new, s->why, sizeof(s->why))) != MU_OK ||
                 (err = privileges_give_dir(dir, user, s->why, sizeof(s->why))) != MU_OK ||
                 (err = privileges_step_down(user, s->why, sizeof(s->why))) != MU_OK))
        return err;
    err = stores_look(&s->stores, &where, s->why, sizeof(s->why));
    if (err == MU_OK && s->stores.data.made) /* if the operator did not want a new directory, he mistyped the name */
        log_event(LOG_INFO, "data_directory_made", "path=%s hint=\"a new, empty one\"", LOG_Q(dir, -1));
    if (err == MU_OK && user)
        err = privileges_step_up(s->why, sizeof(s->why));
    return err;
}

/* Does what may need root: descriptors, the key file, a directory for the user, low ports. */
static enum mu_err prepare_as_started(struct server *s)
{
    bool is_root = geteuid() == 0;
    const char *user = is_root ? setting_text(s->settings, "user") : NULL;
    enum mu_err err;

    privileges_raise_descriptors();
    if ((err = server_load_certificate(s)) != MU_OK || (err = server_read_proxies(s)) != MU_OK ||
        (err = server_check_advertised(s)) != MU_OK)
        return err;
    for (int i = 0; i < LISTENER_COUNT; i++)
        if ((err = server_read_address(s, (enum server_listener)i)) != MU_OK)
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

/* --- what other nodes ask ---------------------------------------------------------------------------*/

static void end_session(void *ctx, uint32_t device)
{
    const struct server *s = ctx;
    access_order_end(s->access, device, END_FORCE);
}

/* Nothing here is true any more, so nothing is put in order. */
static void end_process(void *ctx)
{
    (void)ctx;
    log_flush();
    _exit(EXIT_FAILURE);
}

static enum mu_err open_stores(struct server *s)
{
    return stores_open(
        &s->stores,
        &(struct stores_settings){ .time_zone = setting_text(s->settings, "time-zone"),
                                   .retention_days = (unsigned)setting_count(s->settings, "retention-days"),
                                   .activity_days = (unsigned)setting_count(s->settings, "activity-days"),
                                   .ctx = s,
                                   .end_session = end_session,
                                   .over = end_process },
        s->why, sizeof(s->why));
}

static bool is_late(void *nodes)
{
    return nodes_is_late(nodes);
}

static enum mu_err create_access(struct server *s)
{
    const struct settings *set = s->settings;
    struct access_options options = {
        .fleet = s->stores.fleet,
        .registry = s->stores.registry,
        .committer = s->stores.committer,
        .watch = s->stores.watch,
        .workers = s->workers,
        .loops = s->loops,
        .loop_count = s->loop_count,
        .geoip_db = setting_text(set, "geoip-db"),
        .is_late = s->stores.nodes ? is_late : NULL,
        .nodes = s->stores.nodes,
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

static enum mu_err start_nodes(struct server *s)
{
    struct control_port local = access_control_port(s->access);
    return s->stores.nodes ? nodes_start(s->stores.nodes, s->stores.committer, &local) : MU_OK;
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
        .control = s->stores.nodes ? nodes_control_port(s->stores.nodes) : access_control_port(s->access),
        .is_late = s->stores.nodes ? is_late : NULL,
        .ask_quota = s->stores.nodes ? nodes_ask_quota : NULL,
        .await_quota = nodes_await_quota,
        .nodes = s->stores.nodes,
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
    health_init(&s->public_health, s->stores.committer, s->stores.nodes);
    health_init(&s->ops_health, s->stores.committer, s->stores.nodes);
    metrics_attach(s->metrics, &(struct metrics_sources){
                                   .http = s->public_http, .stores = &s->stores, .access = s->access, .tls = s->tls });
    if ((err = server_create_debugger(s)) != MU_OK ||
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

    assert(s->stores.data.lock_fd == -1 && s->loop_count == 0);
    s->started_s = clock_mono_ms() / 1000;
    pthread_mutex_init(&s->changing, NULL);
    if ((err = prepare_as_started(s)) != MU_OK || (err = open_stores(s)) != MU_OK ||
        (err = workers_create(&s->workers, (unsigned)setting_count(s->settings, "workers"))) != MU_OK ||
        (err = create_access(s)) != MU_OK || (err = start_nodes(s)) != MU_OK || (err = create_http(s)) != MU_OK)
        return err;
    for (; s->loops_started < s->loop_count; s->loops_started++)
        if ((err = loop_start(s->loops[s->loops_started])) != MU_OK)
            return err;
    /* Last: commands wait for answers of the loops. */
    return local_serve(&s->local, s->stores.data.path, run_operation, s, s->why, sizeof(s->why));
}

/* --- ending ----------------------------------------------------------------------------------------*/

void server_stop(struct server *s)
{
    assert(s->loops_started <= s->loop_count && s->loop_count <= SERVER_LOOPS_MAX);
    journal_end_soon(s->stores.journal);
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
