#ifndef MUSTER_FUZZ_PEER_H
#define MUSTER_FUZZ_PEER_H

#include "fuzz.h"
#include "net/listener.h"

/* Somebody who connects to a server that this process is: no socket, no thread. What it says comes in
 * parts, each of which the server has dealt with before the next one comes. */

struct peer {
    struct loop *loop; /* never started */
    listener_accept accept;
    void *server;
    bool narrow; /* what it hears it takes in parts, too */
    /* Called when all has been said and the server has nothing more to do: true if it has now. Optional. */
    bool (*go_on)(void);
};

/* Says `bytes`, ends the connection, and waits until the server has forgotten it. What the server said is
 * appended to `heard`. */
void peer_talk(const struct peer *peer, const uint8_t *bytes, size_t len, struct fuzz_split split, struct buf *heard);

#endif
