/* A PostgreSQL of the test's own. */
#include "postgres/pg_fixture.h"

#include "base/unit_test.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of the folder in memory: several tests run side by side. */
enum { ENOUGH_MEMORY = 1 << 30 };

static char dir[64], bin[200];
static pid_t server;
static unsigned databases;

static void end_test(const char *what)
{
    fprintf(stderr, "pg_fixture: %s: %s\n", what, strerror(errno));
    pg_fixture_stop(NULL);
    exit(1);
}

/* The newest PostgreSQL of Debian's. */
static void find_programs(void)
{
    glob_t found;

    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) != 0)
        end_test("PostgreSQL is not installed (script/bootstrap units)");
    snprintf(bin, sizeof(bin), "%s", found.gl_pathv[found.gl_pathc - 1]);
    *strrchr(bin, '/') = '\0';
    globfree(&found);
}

/* Whom root becomes; NULL: nobody else. */
static const struct passwd *unprivileged(void)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam("nobody") : NULL;

    if (geteuid() == 0 && !user)
        end_test("there is no user nobody");
    return user;
}

enum { ARGS_MAX = 24 };

/* Starts a program of PostgreSQL, which ends if the test does. What it says goes into a file. */
static pid_t start(const char *const args[])
{
    const struct passwd *user = unprivileged();
    pid_t parent = getpid(), pid = fork();
    char path[300];

    if (pid < 0)
        end_test("fork");
    if (pid > 0)
        return pid;
    snprintf(path, sizeof(path), "%s/said", dir);
    int said = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (said >= 0) {
        dup2(said, STDOUT_FILENO);
        dup2(said, STDERR_FILENO);
    }
    if (user && (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
        _exit(126);
    /* After the change of user, which would take it back. */
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() != parent || chdir(dir) != 0)
        _exit(126);
    /* With its whole path, from which it finds the programs that it starts. */
    snprintf(path, sizeof(path), "%s/%s", bin, args[0]);
    const char *argv[ARGS_MAX] = { path };
    for (size_t i = 1; i < ARGS_MAX - 1 && args[i]; i++)
        argv[i] = args[i];
    execv(path, (char *const *)argv);
    _exit(127);
}

static void show_what_it_said(void)
{
    char path[300], text[4000];

    snprintf(path, sizeof(path), "%s/said", dir);
    FILE *f = fopen(path, "r");
    size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    text[len] = '\0';
    fputs(text, stderr);
    if (f)
        fclose(f);
}

static void run(const char *const args[])
{
    int status;
    pid_t pid = start(args);

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status == 0)
        return;
    show_what_it_said();
    end_test(args[0]);
}

/* false: it has ended. */
static bool wait_until_ready(void)
{
    const char *const args[] = { "pg_isready", "-q", "-h", dir, "-U", "muster", "-d", "postgres", "-t", "0", NULL };

    for (int i = 0; i < 2400; i++) {
        int status;
        if (waitpid(server, &status, WNOHANG) == server)
            return false;
        pid_t pid = start(args);
        waitpid(pid, &status, 0);
        if (status == 0)
            return true;
        poll(NULL, 0, 50);
    }
    show_what_it_said();
    end_test("the server is not ready");
    return false;
}

static void start_server(void)
{
    static char data[100];
    const char *const args[] = { "postgres",
                                 "-D",
                                 data,
                                 "-k",
                                 dir,
                                 "-c",
                                 "listen_addresses=",
                                 "-c",
                                 "fsync=off",
                                 "-c",
                                 "shared_buffers=32MB",
                                 "-c",
                                 "max_connections=50",
                                 "-c",
                                 "dynamic_shared_memory_type=mmap",
                                 "-c",
                                 "autovacuum=off",
                                 NULL };

    snprintf(data, sizeof(data), "%s/data", dir);
    /* It refuses to start while processes of one that was killed still end. */
    for (int i = 0; i < 50; i++) {
        server = start(args);
        if (wait_until_ready())
            return;
        poll(NULL, 0, 100);
    }
    show_what_it_said();
    end_test("the server does not start");
}

/* In memory, if there is enough: the tests kill PostgreSQL, but never the kernel. And a file system on a disk is slow to make
 * files of which as many have just been removed. */
static const char *place(void)
{
    struct statvfs room;
    bool enough = statvfs("/dev/shm", &room) == 0 && (uint64_t)room.f_bavail * room.f_frsize >= ENOUGH_MEMORY;

    return enough ? "/dev/shm" : "/tmp";
}

int pg_fixture_start(void **state)
{
    char data[100];
    const char *const args[] = { "initdb", "-D",         data,        "-U",           "muster", "-E",
                                 "UTF8",   "--locale=C", "--no-sync", "--auth=trust", NULL };
    const struct passwd *user = unprivileged();

    (void)state;
    find_programs();
    snprintf(dir, sizeof(dir), "%s/muster-pg-XXXXXX", place());
    if (!mkdtemp(dir) || (user && chown(dir, user->pw_uid, user->pw_gid) != 0))
        end_test(dir);
    snprintf(data, sizeof(data), "%s/data", dir);
    run(args);
    start_server();
    return 0;
}

static void end_server(int with)
{
    int status;

    kill(server, with);
    while (waitpid(server, &status, 0) < 0 && errno == EINTR)
        ;
    server = 0;
}

int pg_fixture_stop(void **state)
{
    pid_t pid;
    int status;

    (void)state;
    if (server)
        end_server(SIGQUIT);
    if (!dir[0])
        return 0;
    if ((pid = fork()) == 0) {
        execlp("rm", "rm", "-rf", dir, NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    dir[0] = '\0';
    return 0;
}

void pg_fixture_database(char uri[PG_FIXTURE_URI])
{
    char name[20], sql[100];

    snprintf(uri, PG_FIXTURE_URI, "postgresql://muster@/postgres?host=%s", dir);
    snprintf(name, sizeof(name), "test%u", databases++);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s STRATEGY = wal_log", name);
    pg_fixture_sql(uri, sql);
    snprintf(uri, PG_FIXTURE_URI, "postgresql://muster@/%s?host=%s", name, dir);
}

void pg_fixture_sql(const char *uri, const char *sql)
{
    const char *const args[] = { "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", uri, "-c", sql, NULL };

    run(args);
}

/* The first process is stopped meanwhile, so that it starts no others. */
void pg_fixture_kill(void)
{
    char path[64];
    int child;

    kill(server, SIGSTOP);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", server, server);
    FILE *f = fopen(path, "r");
    if (!f)
        end_test(path);
    while (fscanf(f, "%d", &child) == 1)
        kill(child, SIGKILL);
    fclose(f);
    end_server(SIGKILL);
}

void pg_fixture_restart(void)
{
    if (server)
        end_server(SIGQUIT);
    start_server();
}
