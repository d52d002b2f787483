/* Commits to PostgreSQL whose outcome is open: the connection breaks, the server ends, a standby does not have them. None
 * is confirmed that could be lost, and none is lost that was confirmed. */
#include "sql/registry_store_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

/* --- a connection that breaks in a commit ---------------------------------------------------------*/

/* Stands between the registry and the server, and breaks the connection that writes at its first COMMIT. */
enum cut {
    CUT_NEVER,
    CUT_BEFORE, /* the client is about to send it */
    CUT_HALF,   /* the same, and the server does not notice */
    CUT_AFTER,  /* the server has answered it */
    CUT_PANIC,  /* the same, and the client reads instead that the server's disk is full */
};

enum { LINKS_MAX = 32 };

struct proxy {
    char dir[32], path[64], server[128], uri[2 * PG_FIXTURE_URI];
    int listener;
    pthread_t thread;
    _Atomic enum cut cut;
    _Atomic bool ends;
    struct link {
        int client, server;
        bool writes;
    } links[LINKS_MAX];
    size_t count;
    int forgotten; /* the server's side of CUT_HALF, or -1 */
};

static int unix_socket(const char *path, int (*use)(int fd, const struct sockaddr *address, socklen_t size))
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
    assert_true(fd >= 0 && use(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

static const char *find(const char *bytes, ssize_t len, const char *text, size_t text_len)
{
    return memmem(bytes, (size_t)len, text, text_len);
}

/* What a server sends after a COMMIT: the kind of message, its length, the text. And what it sends when it ends because
 * it cannot write its WAL. */
static const char committed[] = "C\0\0\0\x0b\x43OMMIT";
static const char panic[] = "E\0\0\0\x39SPANIC\0VPANIC\0C53100\0Mcould not write to file: full\0";

/* Where the client's COMMIT or the server's answer to it is; NULL: not here, or it passes. */
static const char *find_cut(struct proxy *p, struct link *l, bool from_client, const char *bytes, ssize_t len)
{
    bool before = p->cut == CUT_BEFORE || p->cut == CUT_HALF;

    if (from_client && find(bytes, len, "pg_advisory_xact_lock", strlen("pg_advisory_xact_lock")))
        l->writes = true;
    if (!l->writes || p->cut == CUT_NEVER || before != from_client)
        return NULL;
    return from_client ? find(bytes, len, "COMMIT", sizeof("COMMIT")) : find(bytes, len, committed, sizeof(committed));
}

static void cut(struct proxy *p, struct link *l, const char *bytes, const char *at)
{
    if (p->cut == CUT_PANIC)
        assert_true(write(l->client, bytes, (size_t)(at - bytes)) == at - bytes &&
                    write(l->client, panic, sizeof(panic)) == sizeof(panic));
    if (p->cut == CUT_HALF) {
        p->forgotten = l->server;
        l->server = -1;
    }
    p->cut = CUT_NEVER;
}

/* Passes on what there is in one direction. false: the link ends. */
static bool pass_on(struct proxy *p, struct link *l, bool from_client)
{
    char bytes[65536];
    ssize_t len = read(from_client ? l->client : l->server, bytes, sizeof(bytes));
    const char *at = len > 0 ? find_cut(p, l, from_client, bytes, len) : NULL;

    if (at)
        cut(p, l, bytes, at);
    return len > 0 && !at && write(from_client ? l->server : l->client, bytes, (size_t)len) == len;
}

static void *proxy_run(void *arg)
{
    struct proxy *p = arg;
    struct pollfd fds[2 * LINKS_MAX + 1];

    while (!p->ends) {
        fds[0] = (struct pollfd){ .fd = p->listener, .events = POLLIN };
        for (size_t i = 0; i < p->count; i++) {
            fds[2 * i + 1] = (struct pollfd){ .fd = p->links[i].client, .events = POLLIN };
            fds[2 * i + 2] = (struct pollfd){ .fd = p->links[i].server, .events = POLLIN };
        }
        poll(fds, 2 * (nfds_t)p->count + 1, 20);
        for (size_t i = p->count; i-- > 0;) {
            struct link *l = &p->links[i];
            if ((!fds[2 * i + 1].revents || pass_on(p, l, true)) && (!fds[2 * i + 2].revents || pass_on(p, l, false)))
                continue;
            close(l->client);
            close(l->server);
            *l = p->links[--p->count];
        }
        if (fds[0].revents && p->count < LINKS_MAX)
            p->links[p->count++] =
                (struct link){ accept(p->listener, NULL, NULL), unix_socket(p->server, connect), false };
    }
    return NULL;
}

/* uri: of a database in the fixture's server, "postgresql://muster@/NAME?host=DIR". */
static void proxy_start(struct proxy *p, const char *uri, enum cut cut)
{
    const char *host = strstr(uri, "?host=") + strlen("?host=");

    memset(p, 0, sizeof(*p));
    strcpy(p->dir, "/tmp/muster-proxy-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->path, sizeof(p->path), "%s/.s.PGSQL.5432", p->dir);
    snprintf(p->server, sizeof(p->server), "%.100s/.s.PGSQL.5432", host);
    snprintf(p->uri, sizeof(p->uri), "%.*s%s", (int)(host - uri), uri, p->dir);
    p->listener = unix_socket(p->path, bind);
    assert_int_equal(listen(p->listener, 16), 0);
    p->cut = cut;
    p->forgotten = -1;
    assert_int_equal(pthread_create(&p->thread, NULL, proxy_run, p), 0);
}

static void proxy_stop(struct proxy *p)
{
    p->ends = true;
    pthread_join(p->thread, NULL);
    for (size_t i = 0; i < p->count; i++) {
        close(p->links[i].client);
        close(p->links[i].server);
    }
    if (p->forgotten >= 0)
        close(p->forgotten);
    close(p->listener);
    unlink(p->path);
    rmdir(p->dir);
}

/* Writes through a connection that breaks, then again. */
static void write_through(struct registry_fixture *f, enum cut cut, enum mu_err expected)
{
    struct proxy *p = calloc(1, sizeof(*p));
    uint32_t product = fixture_product(f), before = devices_of(f->reg);

    proxy_start(p, f->uri, cut);
    struct registry *reg = open_again(p->uri);
    assert_int_equal(enrol(reg, product, "m"), expected);
    assert_int_equal(p->cut, CUT_NEVER); /* it was broken */
    assert_int_equal(devices_of(f->reg), before + (expected == MU_OK));
    assert_int_equal(enrol(reg, product, "m"), MU_OK);
    assert_int_equal(enrol(reg, product, "n"), MU_OK);
    assert_int_equal(devices_of(f->reg), before + 2);
    registry_close(reg);
    proxy_stop(p);
    free(p);
}

static void a_commit_that_the_server_never_got_is_an_error(void **state)
{
    write_through(*state, CUT_BEFORE, MU_E_IO);
}

static void a_commit_whose_answer_was_lost_is_found(void **state)
{
    write_through(*state, CUT_AFTER, MU_OK);
}

/* As when the file system of its WAL is full. */
static void the_last_words_of_a_server_do_not_mean_that_nothing_was_committed(void **state)
{
    write_through(*state, CUT_PANIC, MU_OK);
}

/* In the fixture's database. */
static int64_t number(struct registry_fixture *f, const char *sql)
{
    struct pg_settings settings = { .uri = f->uri, .schema = "registry", .event = "registry_failed" };
    char why[400] = "";
    struct pg *pg;
    int64_t n = -1;

    if (pg_open(&pg, &settings, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    assert_int_equal(pg_get(pg, sql, NULL, 0, pg_read_int, &n, NULL), MU_OK);
    pg_close(pg);
    return n;
}

/* The server keeps the transaction and its lock until the writer has been idle for 30 seconds. */
static void a_commit_is_not_looked_for_longer_than_five_seconds(void **state)
{
    struct registry_fixture *f = *state;
    struct proxy *p = calloc(1, sizeof(*p));
    uint32_t product = fixture_product(f);

    proxy_start(p, f->uri, CUT_HALF);
    struct registry *reg = open_again(p->uri);
    assert_int_equal(enrol(reg, product, "m"), MU_E_IO);
    assert_int_equal(number(f, "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"), 1);
    registry_close(reg);
    proxy_stop(p);
    free(p);
    assert_int_equal(devices_of(f->reg), 0);
}

struct enrolling {
    struct registry *reg;
    uint32_t product, enrolled;
    enum mu_err err;
};

static void *enrol_until_it_fails(void *arg)
{
    struct enrolling *e = arg;
    char mac[16];

    do {
        snprintf(mac, sizeof(mac), "m%u", e->enrolled);
        e->err = enrol(e->reg, e->product, mac);
        e->enrolled += e->err == MU_OK;
    } while (e->err == MU_OK);
    return NULL;
}

#define WAITING "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"

/* What the standby does not have is lost when it takes the place of the server. */
static void stop_waiting_for_standby(struct registry_fixture *f, const char *how)
{
    struct enrolling e = { .reg = f->reg, .product = fixture_product(f) };
    pthread_t thread;

    pg_fixture_sql(f->uri, "ALTER SYSTEM SET synchronous_standby_names TO 'nobody'");
    number(f, "SELECT pg_reload_conf()::int");
    assert_int_equal(pthread_create(&thread, NULL, enrol_until_it_fails, &e), 0);
    while (!number(f, WAITING))
        poll(NULL, 0, 10);
    number(f, how);
    pthread_join(thread, NULL);
    assert_int_equal(e.err, MU_E_IO);
    assert_int_equal(devices_of(f->reg), e.enrolled + 1); /* the last one is there, but only here */
    pg_fixture_sql(f->uri, "ALTER SYSTEM RESET synchronous_standby_names");
    number(f, "SELECT pg_reload_conf()::int");
    while (number(f, WAITING))
        poll(NULL, 0, 10);
    assert_int_equal(enrol(f->reg, e.product, "n"), MU_OK);
}

static void a_commit_that_a_synchronous_standby_lacks_is_not_confirmed(void **state)
{
    stop_waiting_for_standby(
        *state, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
}

static void a_commit_that_was_cancelled_in_waiting_for_a_standby_is_not_confirmed(void **state)
{
    stop_waiting_for_standby(*state,
                             "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
}

static void a_write_is_synced_although_the_database_is_set_otherwise(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);

    pg_fixture_sql(f->uri, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit TO off', "
                           "current_database()); END $$;"
                           "CREATE TABLE public.seen (value text);"
                           "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.seen "
                           "VALUES (current_setting(''synchronous_commit'')); RETURN NULL; END';"
                           "CREATE TRIGGER see AFTER INSERT ON registry.device FOR EACH ROW EXECUTE FUNCTION see()");
    fixture_reopen(f);
    assert_int_equal(enrol(f->reg, product, "m"), MU_OK);
    assert_int_equal(number(f, "SELECT count(*) FROM public.seen WHERE value = 'on'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(a_commit_that_the_server_never_got_is_an_error),
        with_registry(a_commit_whose_answer_was_lost_is_found),
        with_registry(the_last_words_of_a_server_do_not_mean_that_nothing_was_committed),
        with_registry(a_commit_is_not_looked_for_longer_than_five_seconds),
        with_registry(a_commit_that_a_synchronous_standby_lacks_is_not_confirmed),
        with_registry(a_commit_that_was_cancelled_in_waiting_for_a_standby_is_not_confirmed),
        with_registry(a_write_is_synced_although_the_database_is_set_otherwise),
    };
    return cmocka_run_group_tests_name("registry_outcome", tests, NULL, NULL);
}
