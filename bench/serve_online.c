/* muster serve with the sample fleet's online devices logged in (sample.h): 400,000 of a million.
 *
 *     serve_online DEVICES NOW serve's settings…
 *
 * A process here may not hold so many descriptors, so the logins do not come through sockets: they are
 * handed to the committer, as sessions hand over theirs. Journal and fleet are as with 400,000 devices
 * connected; what sessions themselves cost is measured elsewhere. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "sample.h"
#include "serve/serve.h"
#include "serve/serve_settings.h"
#include "serve/server.h"

static void log_in(struct server *s, const struct sample *sample)
{
    for (uint32_t no = 1; no <= sample->devices; no++) {
        struct sample_device d;
        sample_device(sample, no, &d);
        if (d.is_online)
            committer_login(s->stores.committer, &(struct commit_item){ .device = no, .ts_us = clock_wall_us() },
                            &(struct commit_login){ .session = 1, .takeover = false, .keep_alive = 125 });
    }
    if (committer_follow_registry(s->stores.committer) != MU_OK) /* answered behind all the logins */
        abort();
}

int main(int argc, char **argv)
{
    static struct server server;
    struct server *s = &server;
    struct calendar *calendar;
    struct settings settings;
    sigset_t signals;
    int sig, status = 1;

    if (argc < 3)
        return 2;
    if (calendar_open(&calendar, "Asia/Shanghai") != MU_OK)
        return 1;
    struct sample sample = { .devices = (uint32_t)strtoul(argv[1], NULL, 10),
                             .now_s = strtoll(argv[2], NULL, 10),
                             .calendar = calendar };
    sample.today = calendar_day(calendar, sample.now_s);

    s->stores.data.lock_fd = -1;
    s->settings = &settings;
    if (settings_parse(&settings, &serve_command, serve_settings, argc - 2, argv + 2) != MU_OK)
        return 2;
    log_set_level(LOG_ERROR);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (server_start(s) == MU_OK) {
        log_in(s, &sample);
        server_print_ready(s);
        sigwait(&signals, &sig);
        status = 0;
    } else {
        fprintf(stderr, "serve_online: %s\n", s->why);
    }
    server_stop(s);
    settings_free(&settings);
    calendar_free(calendar);
    return status;
}
