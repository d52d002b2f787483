#ifndef MUSTER_BENCH_NULL_CLIENT_H
#define MUSTER_BENCH_NULL_CLIENT_H

#include "access/access.h"
#include "net/conn.h"

/* A device that meets a session of muster's without a socket between them: a transport whose reads are
 * what the device says next and whose writes are what it hears. Everything above is the server's own:
 * session, timers, heartbeats, committer. It speaks MQTT 3.1 as the firmware does: CONNECT, three
 * SUBSCRIBEs one after the other, pings. Everything on the thread of its loop. */

enum null_state { NULL_AWAY, NULL_COMES, NULL_HERE };

struct null_client {
    struct conn *conn; /* the session's; NULL = none */
    uint32_t device;   /* its number */
    uint32_t changed;  /* when it came or went, or began to: loop time in tenths of a second */
    uint8_t state;     /* enum null_state */
    uint8_t says;      /* what the next read brings; 0 = nothing */
    uint8_t subscribed;
    uint8_t unanswered; /* heartbeats */
    bool silent;        /* pings no more */
};

/* Whose clients they are. Before anything else. */
void null_clients_of(struct access *access, struct fleet *fleet);

/* Connects; a session that it has goes on until the server ends it. false: refused at the door. */
bool null_client_come(struct null_client *c, struct loop *loop);
/* No-op while it has something else to say. */
void null_client_ping(struct null_client *c);
/* Says DISCONNECT, or is cut off. */
void null_client_leave(struct null_client *c, bool cut);

#endif
