#ifndef MUSTER_ACCESS_ACCESS_PRIVATE_H
#define MUSTER_ACCESS_ACCESS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "access/access.h"
#include "access/guesses.h"
#include "access/locator.h"
#include "access/rate_table.h"
#include "access/session_table.h"
#include "base/log_limit.h"
#include "net/seats.h"

/* What the files of access share. */

/* Figures while they are counted: one for each loop, and one for the other threads. */
struct access_counters {
    _Atomic uint64_t sessions, connections;
    _Atomic uint64_t logins, takeovers, slowdowns;
    _Atomic uint64_t messages_in, messages_out, bytes_in, bytes_out, pings;
    _Atomic uint64_t dropped[DROP_COUNT];
    _Atomic uint64_t ends[END_REASON_COUNT];
    _Atomic uint64_t registrations;
};

static inline void access_count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

enum { LOGIN_GROUPS = 64 };

/* Login and end of one device must reach the session table and the committer in the same order. So the lock is held while
 * both are told. */
struct login_group {
    pthread_mutex_t lock;
    struct claim *waiting; /* logins that wait for the end of the session before them (claim.h) */
};

struct access {
    struct access_options options;
    struct access_loop **loops; /* by loop_index */
    struct session_table *table;

    struct login_group login_groups[LOGIN_GROUPS]; /* by device number */
    _Atomic uint64_t last_session;                 /* number given to a login */
    struct seats seats;                            /* of MQTT connections */
    atomic_bool stopping;

    struct rate_table *address_connections, *address_registrations, *product_registrations;
    struct guesses *guesses;
    struct refusals *refusals;
    struct locator *locator; /* NULL without a place database */
    struct commit_sink control_sink, versions_sink;
    struct access_counters counters;
    _Atomic uint64_t refused[REFUSAL_COUNT];
    struct http_table http;
    struct log_limit failures; /* of HTTP requests */

    pthread_mutex_t shutdown_lock; /* over what follows */
    pthread_cond_t loop_emptied;
    unsigned loops_to_empty;
};

/* The peer that asked to be let in. */
struct access_caller {
    struct ip_addr peer;
    struct str name;                     /* a did, a mac or, with the length 0, none */
    bool known;                          /* the fleet has a device of this name */
    const struct fleet_product *product; /* NULL: not known */
};
/* Notes and counts the refusal. Any thread. */
void access_refused(struct access *a, const struct access_caller *who, enum refusal_reason why);
/* control.c */
void access_control_init(struct access *a);
/* dev_http.c, dev_ota.c */
void access_dev_init(struct access *a);
void access_versions_init(struct access *a);

#endif
