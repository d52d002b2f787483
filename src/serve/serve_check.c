/* muster serve --check. Each thing is checked by itself, so that all errors are told at once. The data directory
 * comes last: for that check this process becomes the directory's owner. */

#include "serve/serve_check.h"

#include <assert.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/geoip.h"
#include "base/log.h"
#include "command/check_dir.h"
#include "journal/rocks_journal.h"
#include "ops/operation.h"
#include "ops/privileges.h"
#include "serve/server.h"

struct serve_checking {
    struct server server; /* never started */
    int status;
};

static void tell(struct serve_checking *c, enum mu_err err)
{
    struct server *s = &c->server;

    if (err == MU_OK)
        return;
    fprintf(stderr, "muster serve: %s\n", s->why[0] ? s->why : mu_err_text(err));
    s->why[0] = '\0';
    assert(operation_status(err) > 0);
    if (operation_status(err) > c->status)
        c->status = operation_status(err);
}

/* --- settings and files -----------------------------------------------------------------------------*/

static enum mu_err check_geoip(struct server *s)
{
    const char *file = setting_text(s->settings, "geoip-db");
    struct geoip *db = NULL;
    enum mu_err err = file ? geoip_open(&db, file, s->why, sizeof(s->why)) : MU_OK;

    geoip_close(db);
    return err;
}

static enum mu_err check_zone(struct server *s)
{
    struct calendar *calendar = NULL;
    enum mu_err err = stores_open_zone(&calendar, setting_text(s->settings, "time-zone"), s->why, sizeof(s->why));

    if (calendar)
        calendar_free(calendar);
    return err;
}

static enum mu_err check_user(struct server *s)
{
    const char *user = geteuid() == 0 ? setting_text(s->settings, "user") : NULL;

    return user ? privileges_check_user(user, s->why, sizeof(s->why)) : MU_OK;
}

/* --- the data directory -----------------------------------------------------------------------------*/

/* The directory must still be made, or is empty: may we write there? And is there room, if it is to hold stores? */
static enum mu_err check_room_for_new(struct server *s, const char *dir, bool holds_stores)
{
    char *copy = strdup(dir);
    const char *place = access(dir, F_OK) == 0 ? dir : copy ? dirname(copy) : dir;
    enum mu_err err;

    if (access(place, W_OK | X_OK) != 0) {
        err = errno == ENOENT || errno == ENOTDIR ? MU_E_NOT_FOUND : MU_E_IO;
        snprintf(s->why, sizeof(s->why), "cannot make a data directory of %s: %s: %s", dir, place, strerror(errno));
    } else {
        err = holds_stores ? rocks_journal_check_room(place, s->why, sizeof(s->why)) : MU_OK;
    }
    free(copy);
    return err;
}

/* If a server runs there, it has checked its stores already. */
static enum mu_err check_present(struct server *s, const char *dir)
{
    enum mu_err err = check_dir_as_owner(dir, s->why, sizeof(s->why));
    int held = err == MU_OK ? data_dir_hold(dir) : -1;

    if (held >= 0) {
        err = stores_check(&(struct stores_where){ .dir = dir }, setting_text(s->settings, "time-zone"), s->why,
                           sizeof(s->why));
        close(held);
        if (err == MU_OK)
            err = rocks_journal_check_room(dir, s->why, sizeof(s->why));
    } else if (err == MU_OK && errno == EWOULDBLOCK) {
        printf("%s is in use, and was not looked at\n", dir);
    } else if (err == MU_OK) {
        snprintf(s->why, sizeof(s->why), "cannot open %s/lock: %s", dir, strerror(errno));
        err = MU_E_IO;
    }
    return err;
}

static enum mu_err check_data(struct server *s)
{
    const struct stores_where where = operation_where(s->settings);
    const char *dir = where.dir;
    bool is_new;
    enum mu_err err = data_dir_check(dir, &is_new, s->why, sizeof(s->why));

    if (err == MU_OK && is_new)
        err = check_room_for_new(s, dir, !where.store);
    if (err != MU_OK || (is_new && !where.store))
        return err;
    if (where.store) /* which may be in use: looking at it disturbs nobody */
        return stores_check(&where, setting_text(s->settings, "time-zone"), s->why, sizeof(s->why));
    return check_present(s, dir);
}

int serve_check(const struct settings *settings)
{
    static enum mu_err (*const checks[])(struct server * s) = {
        server_load_certificate,
        server_read_proxies,
        server_check_advertised,
        server_create_debugger,
        check_geoip,
        check_user,
        check_zone,
    };
    static struct serve_checking c; /* large */
    struct server *s = &c.server;

    log_set_level(LOG_ERROR); /* errors are printed here */
    s->settings = settings;
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
        tell(&c, checks[i](s));
    for (int i = 0; i < LISTENER_COUNT; i++)
        tell(&c, server_read_address(s, (enum server_listener)i));
    tell(&c, check_data(s));
    debugger_destroy(s->debugger);
    if (s->tls)
        tls_context_free(s->tls);
    if (c.status == 0)
        printf("muster serve: nothing is wrong\n");
    return c.status;
}
