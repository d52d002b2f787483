#ifndef MUSTER_POSTGRES_PG_FIXTURE_H
#define MUSTER_POSTGRES_PG_FIXTURE_H

#include <stddef.h>

/* A PostgreSQL of the test's own: in a new directory, reached by a Unix socket only, without syncs. It ends with the
 * test. As root it runs as an unprivileged user, since PostgreSQL refuses root. A failure ends the test. */

/* For cmocka's group: starts the server, and removes it. */
int pg_fixture_start(void **state);
int pg_fixture_stop(void **state);

/* The URI of a new database without any tables. */
enum { PG_FIXTURE_URI = 200 };
void pg_fixture_database(char uri[PG_FIXTURE_URI]);
/* Runs statements by psql in the database of a URI. */
void pg_fixture_sql(const char *uri, const char *sql);

/* Kills all processes of the server at once, and starts it again. */
void pg_fixture_kill(void);
void pg_fixture_restart(void);

#endif
