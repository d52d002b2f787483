/* muster serve: starts the server, waits for signals, ends it. */

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "commit/retention.h"
#include "ops/operation.h"
#include "ops/service_notify.h"
#include "registry/audit.h"
#include "serve/serve.h"
#include "serve/serve_check.h"
#include "serve/serve_settings.h"
#include "serve/server.h"

enum { MAINTENANCE_MS = 3600 * 1000, MEASURE_MS = 10 * 1000 };
/* A client with an expired token is told for so long that it has expired (5011); later, that the token does not
 * exist (5009). */
#define EXPIRED_TOKEN_KEPT_S (30 * 86400)

struct serve_expiry {
    const struct journal *journal;
    int64_t us;
};

static void read_expiry(void *ctx)
{
    struct serve_expiry *e = ctx;
    e->us = journal_expiry_us(e->journal);
}

/* The clock by which things expire: the journal's, which does not follow a wrong wall clock. */
static int64_t expiry_us(struct server *s)
{
    struct serve_expiry e = { .journal = s->stores.journal };

    committer_pause(s->stores.committer, read_expiry, &e);
    return e.us;
}

static void forget_audit(struct server *s, int64_t now_us)
{
    int64_t kept_s = (int64_t)setting_count(s->settings, "activity-days") * 86400;
    bool more = true;
    enum mu_err err = MU_OK;

    while (more && err == MU_OK)
        err = registry_forget_audit(s->stores.registry, now_us - kept_s * 1000000, &more);
    if (err != MU_OK)
        log_event(LOG_WARN, "audit_cleanup_failed", "reason=\"%s\"", mu_err_text(err));
}

/* Warns about a certificate that is not valid now. The server runs with it, but clients leave without any message
 * here. */
static void check_certificate(const struct server *s)
{
    struct tls_validity v = s->tls ? tls_context_validity(s->tls) : (struct tls_validity){ 0, INT64_MAX };
    int64_t now_s = clock_wall_s();
    bool expired = v.until_s < now_s;
    time_t edge = (time_t)(expired ? v.until_s : v.from_s);
    char text[32];
    struct tm tm;

    if (!expired && v.from_s <= now_s)
        return;
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&edge, &tm));
    log_event(LOG_WARN, expired ? "certificate_expired" : "certificate_not_yet_valid", "file=%s %s=%s",
              LOG_Q(setting_text(s->settings, "tls-cert"), -1), expired ? "not_after" : "not_before", text);
}

static void keep_days(struct server *s, int64_t now_us)
{
    enum mu_err err = retention_keep_days(s->stores.journal, calendar_day(s->stores.calendar, now_us / 1000000),
                                          (unsigned)setting_count(s->settings, "activity-days"));

    if (err != MU_OK && err != MU_E_LOCKED)
        log_event(LOG_WARN, "activity_cleanup_failed", "reason=\"%s\"", mu_err_text(err));
}

/* What is done once for all nodes. */
static void keep_house(struct server *s)
{
    int64_t now_us = expiry_us(s);
    uint32_t deleted;
    enum mu_err err =
        registry_delete_expired_tokens(s->stores.registry, now_us / 1000000 - EXPIRED_TOKEN_KEPT_S, &deleted);

    if (err == MU_OK && deleted)
        err = committer_follow_registry(s->stores.committer);
    if (err != MU_OK)
        log_event(LOG_WARN, "token_cleanup_failed", "reason=\"%s\"", mu_err_text(err));
    forget_audit(s, now_us);
    if (s->stores.nodes)
        keep_days(s, now_us);
}

static void maintain(struct server *s)
{
    if (!s->stores.nodes || nodes_keeps_house(s->stores.nodes))
        keep_house(s);
    check_certificate(s);
}

static void reload(struct server *s)
{
    service_notify_reloading();
    if (s->tls) {
        if (tls_context_reload(s->tls, s->why, sizeof(s->why)) == MU_OK)
            log_event(LOG_INFO, "certificate_reloaded", "file=%s", setting_text(s->settings, "tls-cert"));
        else
            log_event(LOG_ERROR, "certificate_not_reloaded", "reason=%s", LOG_Q(s->why, -1));
        check_certificate(s);
    }
    service_notify_ready();
}

/* Returns when to measure again. With a large directory or many connections measuring takes long; then it is done
 * less often, so that it takes at most a hundredth of a core. */
static int64_t measure(struct server *s, int64_t now_ms)
{
    metrics_measure(s->metrics);
    int64_t pause_ms = 100 * (clock_mono_ms() - now_ms);
    assert(pause_ms >= 0);
    return now_ms + (pause_ms > MEASURE_MS ? pause_ms : MEASURE_MS);
}

/* Waits until the monotonic clock shows until_ms at most. Returns the signal; -1: none came. */
static int wait_for_signal(const sigset_t *signals, int64_t until_ms)
{
    int64_t ms = until_ms - clock_mono_ms();

    ms = ms > 0 ? ms : 0;
    return sigtimedwait(signals, NULL, &(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 });
}

/* The main thread. All signals that this program handles are blocked in every thread, and waited for here. */
static void run(struct server *s, const sigset_t *signals)
{
    int64_t maintain_ms = 0; /* due at once, so that a server that is restarted often does it, too */
    int64_t measure_ms = clock_mono_ms() + MEASURE_MS;

    for (;;) {
        int64_t now_ms = clock_mono_ms();
        if (now_ms >= maintain_ms) {
            maintain(s);
            maintain_ms = now_ms + MAINTENANCE_MS;
        }
        if (now_ms >= measure_ms)
            measure_ms = measure(s, now_ms);
        int sig = wait_for_signal(signals, maintain_ms < measure_ms ? maintain_ms : measure_ms);
        if (sig == SIGTERM || sig == SIGINT)
            return;
        if (sig == SIGHUP)
            reload(s);
    }
}

/* Ignores signals that have no meaning here but would end the process: sent by mistake with kill or from a script,
 * from a timer that the parent process left, or because a file may not grow (then the write fails). SIGQUIT and
 * SIGABRT are not ignored: they end the process on purpose, with a core. */
static void ignore_signals(void)
{
    static const int ignored[] = { SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM,   SIGVTALRM,
                                   SIGPROF, SIGIO,   SIGPWR,  SIGSTKFLT, SIGXFSZ };

    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
        signal(ignored[i], SIG_IGN);
    for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
        signal(sig, SIG_IGN);
}

static int serve(const struct settings *settings)
{
    static struct server server;
    struct server *s = &server;
    enum log_level level;
    sigset_t signals;
    int status;
    enum mu_err err;

    if (setting_on(settings, "check"))
        return serve_check(settings);
    s->stores.data.lock_fd = -1;
    s->settings = settings;
    if (log_level_parse(setting_text(settings, "log-level"), &level))
        log_set_level(level);

    ignore_signals();
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    if ((err = log_start()) == MU_OK)
        err = server_start(s);
    if (err == MU_OK) {
        status = 0;
        server_print_ready(s);
        service_notify_ready();
        log_event(LOG_INFO, "started", "version=%s commit=%s", version_text, version_commit);
        run(s, &signals);
        service_notify_stopping();
        log_event(LOG_INFO, "stopping", "connections=closing");
    } else {
        status = operation_status(err);
    }
    server_stop(s);
    if (status == 0)
        log_event(LOG_INFO, "stopped", "status=0");
    log_stop();
    if (status != 0)
        fprintf(stderr, "muster serve: %s\n", s->why[0] ? s->why : mu_err_text(err));
    return status;
}

const struct command serve_command = {
    .name = "serve",
    .group = COMMAND_SERVER,
    .summary = "runs the server on a data directory",
    .description = "Runs the server. Prints one line \"muster ready\" with its addresses once it answers, logs to "
                   "stderr, ends cleanly on SIGTERM or Ctrl-C.",
    .settings = serve_settings,
    .examples = { { "muster serve --data data", "on this machine's ports 8080, 8081 and 1883" } },
    .run = serve,
};
