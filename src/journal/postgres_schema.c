#include "journal/postgres_internal.h"

#include <poll.h>
#include <stdio.h>

#include "base/clock.h"

/* The tables.
 *
 * Where Citus is installed, those with a device are distributed by it, side by side, and the others stay on the
 * coordinator. So every key of a distributed table begins with the device, no constraint spans devices, and statements
 * join by device only; postgres_schema_test.c holds the tables to that. A partition of messages or session records is
 * one UTC day: dropping it is how they expire (postgres_days.c).
 *
 *   message, session   a record: its running number, length-prefixed and big-endian, so that records of one moment sort
 *                      by it; then the value (codec.h)
 *   state, versions    the value
 *   turn               kind: enum record_kind; spans: turn_spans.h
 *   activity           a device was active on that civil day
 *   activity_day       all devices of a day, in the caller's bytes
 *   event              point: 0 for a fault or 1 for an alert, then the datapoint's name; record: the value
 *   control            request: shifted so that it sorts like the unsigned number; record: the value
 *   boot               a start; alive: by the server's clock; moment: the same by the clock of its node, which its records
 *                      are by, in µs; batch: how many it has committed; delta: the last of them that others must
 *                      follow; gone: up to this one its deltas were dropped; registry: the last change that it has
 *                      followed; followed: what journal_batch_followed noted last
 *   delta              what others must follow of a batch, in the caller's bytes
 *   past               what a node has heard of a device whose session it does not hold
 *   calls              how many calls of this hour's quota nodes have been granted
 *   noted              single facts: "clock" is expiry_clock.trusted_us; "starts": the last old start when such were
 *                      dropped (postgres_house.c)
 *
 * A state is replaced again and again: free room in its page keeps the new one there, and the index as it is. Messages
 * are only added, and go with their partition: nobody needs to vacuum them. */

static const char first[] =
    "CREATE TABLE message (device bigint NOT NULL, ts bigint NOT NULL, record bytea NOT NULL) PARTITION BY RANGE (ts);"
    "CREATE INDEX message_place ON message (device, ts);"
    "CREATE TABLE session (device bigint NOT NULL, ts bigint NOT NULL, record bytea NOT NULL) PARTITION BY RANGE (ts);"
    "CREATE INDEX session_place ON session (device, ts);"
    "CREATE TABLE state (device bigint PRIMARY KEY, record bytea NOT NULL)"
    " WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);"
    "CREATE TABLE versions (device bigint PRIMARY KEY, record bytea NOT NULL);"
    "CREATE TABLE turn (device bigint, kind smallint, spans bytea NOT NULL, PRIMARY KEY (device, kind));"
    "CREATE TABLE activity (device bigint, day integer, PRIMARY KEY (device, day));"
    "CREATE INDEX activity_order ON activity (day, device);"
    "CREATE TABLE event (device bigint, opened bigint, point bytea, record bytea NOT NULL,"
    " PRIMARY KEY (device, opened, point));"
    "CREATE INDEX event_order ON event (opened, device, point);"
    "CREATE TABLE activity_day (day integer PRIMARY KEY, devices bytea NOT NULL);"
    "CREATE TABLE control (ts bigint, request bigint, record bytea NOT NULL, PRIMARY KEY (ts, request));"
    "CREATE TABLE boot (number bigint PRIMARY KEY, started timestamptz NOT NULL DEFAULT clock_timestamp(),"
    " alive timestamptz NOT NULL DEFAULT clock_timestamp(), over timestamptz, moment bigint, name text NOT NULL DEFAULT '',"
    " batch bigint NOT NULL DEFAULT 0, delta bigint NOT NULL DEFAULT 0, gone bigint NOT NULL DEFAULT 0,"
    " registry bigint NOT NULL DEFAULT 0, followed bigint) WITH (fillfactor = 20);"
    /* Written once, read once by each node, and soon dropped: not worth compressing. */
    "CREATE TABLE delta (boot bigint, number bigint, bytes bytea NOT NULL, PRIMARY KEY (boot, number))"
    " WITH (autovacuum_vacuum_scale_factor = 0.05);"
    "ALTER TABLE delta ALTER bytes SET STORAGE EXTERNAL;"
    "CREATE TABLE past (device bigint PRIMARY KEY, activated_at bigint NOT NULL, online_latest bigint NOT NULL,"
    " last_report bigint NOT NULL);"
    "CREATE TABLE calls (enterprise bigint PRIMARY KEY, hour bigint NOT NULL, granted bigint NOT NULL)"
    " WITH (fillfactor = 20);"
    "CREATE TABLE noted (name text COLLATE \"C\" PRIMARY KEY, value bigint NOT NULL);"
    "DO $$ BEGIN"
    " IF EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN"
    "  PERFORM create_distributed_table('message', 'device');"
    "  PERFORM create_distributed_table(other, 'device', colocate_with => 'message')"
    "   FROM unnest(ARRAY['session', 'state', 'versions', 'turn', 'activity', 'event', 'past']) AS other;"
    " END IF;"
    "END $$";

static const char *const steps[] = { first };

const struct pg_schema journal_schema = { .name = "journal", .steps = steps, .step_count = 1 };

/* --- before they change ----------------------------------------------------------------------------- */

/* A node whose connection broke has no lock until its next commit, but it has been alive in this time. */
#define ALIVE_S "10"
enum { WAIT_MS = 11 * 1000, AGAIN_MS = 100 };

static enum mu_err count(struct pg *pg, const char *sql, int64_t *out)
{
    return pg_get(pg, sql, NULL, 0, pg_read_int, out, NULL);
}

/* Once it has the lock, it keeps it. */
static enum mu_err look_whether_closed(struct pg *pg, bool *locked, bool *closed)
{
    int64_t got = 1, boots = 0, alive = 0;
    enum mu_err err = MU_OK;

    if (!*locked)
        err = count(pg, "SELECT pg_try_advisory_lock(hashtext('muster.journal'))", &got);
    *locked = err == MU_OK && got;
    if (*locked)
        err = count(pg, "SELECT count(*) FROM pg_tables WHERE schemaname = 'journal' AND tablename = 'boot'", &boots);
    if (err == MU_OK && boots)
        err = count(pg,
                    "SELECT count(*) FROM boot WHERE over IS NULL "
                    "AND alive > clock_timestamp() - interval '" ALIVE_S " seconds'",
                    &alive);
    *closed = *locked && !alive;
    return err;
}

enum mu_err postgres_journal_keep_closed(struct pg *pg, char *why, size_t why_size)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    bool locked = false, closed = false;
    enum mu_err err;

    while ((err = look_whether_closed(pg, &locked, &closed)) == MU_OK && !closed && clock_mono_ms() < until_ms)
        poll(NULL, 0, AGAIN_MS);
    if (err == MU_OK && !closed) {
        snprintf(why, why_size, "the database is in use, and its schemas have to change: stop all nodes first");
        err = MU_E_LOCKED;
    }
    return err;
}
