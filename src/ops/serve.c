/* muster serve: puts the parts together, runs them, and takes them apart in the right order. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "access/access.h"
#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "fleet/fleet_apply.h"
#include "ops/commands.h"
#include "ops/data_dir.h"
#include "ops/health.h"
#include "ops/local.h"
#include "ops/metrics.h"
#include "ops/privileges.h"
#include "ops/serve_settings.h"
#include "registry/apply.h"

#define LOOPS_MAX 64
#define TRUSTED_PROXIES_MAX 32
#define MAINTENANCE_INTERVAL_S 3600
/* A client that comes with an old token is told that it has expired (5011) for so long, then that
 * there is no such token (5009). */
#define EXPIRED_TOKEN_KEPT_S (30 * 86400)
#define APPLY_FAILED 1
#define APPLY_WRONG 2

enum { LISTEN_HTTP, LISTEN_HTTPS, LISTEN_MQTT, LISTEN_MQTTS, LISTEN_OPS, LISTENER_COUNT };

struct server {
    struct settings settings;
    struct data_dir data;
    struct calendar *calendar;
    struct tls_context *tls;
    struct loop *loops[LOOPS_MAX];
    unsigned loop_count, loops_started;
    struct workers *workers;
    struct listener *listeners[LISTENER_COUNT];
    struct net_address addresses[LISTENER_COUNT];
    struct registry *registry;
    struct journal *journal;
    struct fleet *fleet;
    struct committer *committer;
    struct access *access;
    struct api *api;
    struct metrics *metrics;
    struct http_server *public_http, *ops_http;
    struct health public_health, ops_health;
    struct cidr trusted_proxies[TRUSTED_PROXIES_MAX];
    size_t trusted_proxy_count;
    struct local_server *local;
    char why[512];
};

/* --- accepting: the listeners are bound (while we may still be root) before what they feed exists;
 * the loops start when all of it does --------------------------------------------------------------*/

static void accept_http(void *ctx, struct loop *loop, int fd, struct tls_context *tls, const struct sockaddr *peer)
{
    struct server *s = ctx;
    http_server_accept(s->public_http, loop, fd, tls, peer);
}

static void accept_ops(void *ctx, struct loop *loop, int fd, struct tls_context *tls, const struct sockaddr *peer)
{
    struct server *s = ctx;
    http_server_accept(s->ops_http, loop, fd, tls, peer);
}

static void accept_mqtt(void *ctx, struct loop *loop, int fd, struct tls_context *tls, const struct sockaddr *peer)
{
    struct server *s = ctx;
    access_mqtt_accept(s->access, loop, fd, tls, peer);
}

static const struct {
    const char *setting;
    bool tls;
    listener_accept accept;
} listener_kinds[LISTENER_COUNT] = {
    [LISTEN_HTTP]  = { "http",  false, accept_http },
    [LISTEN_HTTPS] = { "https", true,  accept_http },
    [LISTEN_MQTT]  = { "mqtt",  false, accept_mqtt },
    [LISTEN_MQTTS] = { "mqtts", true,  accept_mqtt },
    [LISTEN_OPS]   = { "ops",   false, accept_ops },
};

static enum mu_err open_listeners(struct server *s)
{
    for (int i = 0; i < LISTENER_COUNT; i++) {
        const char *text = setting_text(&s->settings, listener_kinds[i].setting);
        enum mu_err err;

        if (!text)
            continue;
        if (listener_kinds[i].tls && !s->tls) {
            snprintf(s->why, sizeof(s->why), "--%s needs --tls-cert and --tls-key", listener_kinds[i].setting);
            return MU_E_SYNTAX;
        }
        if (net_address_parse(str_of(text), &s->addresses[i]) != MU_OK) {
            snprintf(s->why, sizeof(s->why), "--%s: '%s' is not an address of the form ADDR:PORT",
                     listener_kinds[i].setting, text);
            return MU_E_SYNTAX;
        }
        if ((err = listener_open(&s->listeners[i], &s->addresses[i], s->loops, s->loop_count,
                                 listener_kinds[i].tls ? s->tls : NULL, listener_kinds[i].accept, s,
                                 s->why, sizeof(s->why))) != MU_OK)
            return err;
    }
    return MU_OK;
}

/* --- commands that come through the socket ---------------------------------------------------------*/

static int run_apply(void *ctx, struct str input, struct buf *answer)
{
    struct server *s = ctx;
    enum mu_err err = apply_json(s->registry, input, clock_wall_s(), answer);

    if (err == MU_OK)
        err = committer_follow_registry(s->committer);
    if (err == MU_OK)
        return 0;
    buf_printf(answer, "muster apply: nothing was changed: %s\n", mu_err_text(err));
    return err == MU_E_SYNTAX || err == MU_E_VALUE ? APPLY_WRONG : APPLY_FAILED;
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
        if (n && (s->trusted_proxy_count == TRUSTED_PROXIES_MAX
                  || cidr_parse((struct str){ text, n }, &s->trusted_proxies[s->trusted_proxy_count++]) != MU_OK)) {
            snprintf(s->why, sizeof(s->why), "--trusted-proxies: '%.*s' is not a network, or there are more than %d",
                     (int)n, text, TRUSTED_PROXIES_MAX);
            return MU_E_SYNTAX;
        }
        text += n + (text[n] != '\0');
    }
    return MU_OK;
}

/* What may need root: descriptors, low ports, the key file, a directory for the user to be. */
static enum mu_err prepare_as_started(struct server *s)
{
    const char *user = setting_text(&s->settings, "user");
    const char *cert = setting_text(&s->settings, "tls-cert"), *key = setting_text(&s->settings, "tls-key");
    enum mu_err err;

    privileges_raise_descriptors();
    if (!cert != !key) {
        snprintf(s->why, sizeof(s->why), "--tls-cert and --tls-key go together");
        return MU_E_SYNTAX;
    }
    if ((err = read_trusted_proxies(s)) != MU_OK)
        return err;
    if (cert && (err = tls_context_load(&s->tls, cert, key, s->why, sizeof(s->why))) != MU_OK)
        return err;

    unsigned long threads = setting_count(&s->settings, "threads");
    if (threads == 0)
        threads = (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
    s->loop_count = threads > LOOPS_MAX ? LOOPS_MAX : (unsigned)threads;
    for (unsigned i = 0; i < s->loop_count; i++)
        if ((err = loop_create(&s->loops[i], i)) != MU_OK)
            return err;
    if ((err = open_listeners(s)) != MU_OK)
        return err;

    if (geteuid() != 0)
        return MU_OK;
    if (!user) {
        log_event(LOG_WARN, "running_as_root", "hint=\"give --user NAME\"");
        return MU_OK;
    }
    if ((err = privileges_give_dir(setting_text(&s->settings, "data"), user, s->why, sizeof(s->why))) != MU_OK)
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
        snprintf(s->why, sizeof(s->why), "the days of this data directory are cut in %s, not in %s: what has been "
                 "counted by day cannot be cut anew; start with --time-zone %s", stored, zone, stored);
        return MU_E_SYNTAX;
    }
    return err;
}

static enum mu_err open_stores(struct server *s)
{
    const char *dir = setting_text(&s->settings, "data");
    struct journal_options options = { .retention_days = (unsigned)setting_count(&s->settings, "retention-days") };
    enum mu_err err;

    if ((err = data_dir_open(&s->data, dir, s->why, sizeof(s->why))) != MU_OK
        || (err = registry_open(&s->registry, dir, s->why, sizeof(s->why))) != MU_OK
        || (err = open_calendar(s)) != MU_OK
        || (err = journal_open(&s->journal, dir, &options, s->why, sizeof(s->why))) != MU_OK
        || (err = fleet_create(&s->fleet)) != MU_OK)
        return err;
    return committer_start(&s->committer, &(struct committer_options){
        .fleet = s->fleet, .registry = s->registry, .journal = s->journal, .calendar = s->calendar });
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
        .workers = s->workers, .control = access_control_port(s->access),
        .cors_origin = setting_text(set, "cors-origin"),
        .trusted_proxies = s->trusted_proxies, .trusted_proxy_count = s->trusted_proxy_count,
    };
    struct http_table *tables[4];
    enum mu_err err;

    if ((err = api_create(&s->api, &options)) != MU_OK
        || (err = metrics_create(&s->metrics)) != MU_OK
        || (err = http_server_create(&s->public_http, &http, s->workers, api_write_error,
                                     metrics_count_request, s->metrics)) != MU_OK
        || (err = http_server_create(&s->ops_http, &http, s->workers, health_write_error, NULL, NULL)) != MU_OK)
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

static enum mu_err start(struct server *s)
{
    enum mu_err err;

    if ((err = prepare_as_started(s)) != MU_OK
        || (err = open_stores(s)) != MU_OK
        || (err = workers_create(&s->workers, (unsigned)setting_count(&s->settings, "workers"))) != MU_OK
        || (err = create_access(s)) != MU_OK
        || (err = create_http(s)) != MU_OK
        || (err = local_serve(&s->local, s->data.path, local_commands, sizeof(local_commands) / sizeof(local_commands[0]),
                              s, s->why, sizeof(s->why))) != MU_OK)
        return err;
    for (; s->loops_started < s->loop_count; s->loops_started++)
        if ((err = loop_start(s->loops[s->loops_started])) != MU_OK)
            return err;
    return MU_OK;
}

static void print_ready(const struct server *s)
{
    char text[NET_ADDRESS_TEXT];

    printf("muster ready");
    for (int i = 0; i < LISTENER_COUNT; i++)
        if (s->listeners[i]) {
            net_address_text(&s->addresses[i], text);
            printf(" %s=%s", listener_kinds[i].setting, text);
        }
    printf("\n");
    fflush(stdout);
}

/* --- running and ending ------------------------------------------------------------------------------*/

static void maintain(struct server *s)
{
    uint32_t deleted;
    enum mu_err err = registry_delete_expired_tokens(s->registry, clock_wall_s() - EXPIRED_TOKEN_KEPT_S, &deleted);

    if (err == MU_OK && deleted)
        err = committer_follow_registry(s->committer);
    if (err != MU_OK)
        log_event(LOG_WARN, "token_cleanup_failed", "reason=\"%s\"", mu_err_text(err));
}

/* The main thread: every signal that matters is blocked everywhere and waited for here. */
static void run(struct server *s, const sigset_t *signals)
{
    for (;;) {
        int sig = sigtimedwait(signals, NULL, &(struct timespec){ .tv_sec = MAINTENANCE_INTERVAL_S });
        if (sig == SIGTERM || sig == SIGINT)
            return;
        if (sig == SIGHUP && s->tls) {
            if (tls_context_reload(s->tls, s->why, sizeof(s->why)) == MU_OK)
                log_event(LOG_INFO, "certificate_reloaded", "file=%s", setting_text(&s->settings, "tls-cert"));
            else
                log_event(LOG_ERROR, "certificate_not_reloaded", "reason=%s", LOG_Q(s->why, -1));
        }
        if (sig < 0 && errno == EAGAIN)
            maintain(s);
    }
}

/* Order: sessions end and are handed over; loops stop, so nothing new comes; workers finish what
 * they have; the committer writes the rest; the stores close. */
static void stop(struct server *s)
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

int command_serve(int argc, char **argv)
{
    static struct server server;
    struct server *s = &server;
    enum log_level level;
    sigset_t signals;
    int status = 2;

    s->data.lock_fd = -1;
    s->settings = serve_settings();
    enum mu_err err = settings_parse(&s->settings, argc, argv);
    if (err != MU_OK) {
        status = err == MU_E_CLOSED ? 0 : 2;
        goto out;
    }
    if (!setting_text(&s->settings, "data")) {
        fprintf(stderr, "muster serve: --data is missing (see muster serve --help)\n");
        goto out;
    }
    if (!log_level_parse(setting_text(&s->settings, "log-level"), &level)) {
        fprintf(stderr, "muster serve: --log-level is one of error, warn, info, debug\n");
        goto out;
    }
    log_set_level(level);

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    err = start(s);
    if (err == MU_OK) {
        status = 0;
        print_ready(s);
        log_event(LOG_INFO, "started", "version=%s", MUSTER_VERSION);
        run(s, &signals);
        log_event(LOG_INFO, "stopping", "connections=closing");
    } else {
        fprintf(stderr, "muster serve: %s\n", s->why[0] ? s->why : mu_err_text(err));
        status = err == MU_E_SYNTAX ? 2 : 1;
    }
    stop(s);
    if (status == 0)
        log_event(LOG_INFO, "stopped", "status=0");
out:
    settings_free(&s->settings);
    return status;
}
