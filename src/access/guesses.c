#include "access/guesses.h"

#include <stdlib.h>

#include "access/rate_table.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/hash.h"
#include "registry/secret.h"

struct guesses {
    struct hash_key key;
    struct rate_table *by_address, *by_device;
    struct session_table *sessions; /* they know from where a device was let in last */
};

enum mu_err guesses_create(struct guesses **out, double per_address, double per_device, struct session_table *sessions)
{
    struct guesses *g = *out = calloc(1, sizeof(*g));
    enum mu_err err;

    if (!g)
        return MU_E_NOMEM;
    random_bytes(&g->key, sizeof(g->key));
    g->sessions = sessions;
    if ((err = rate_table_create(&g->by_address, per_address)) == MU_OK)
        err = rate_table_create(&g->by_device, per_device);
    return err;
}

void guesses_destroy(struct guesses *g)
{
    if (!g)
        return;
    rate_table_destroy(g->by_address);
    rate_table_destroy(g->by_device);
    free(g);
}

/* Never 0, which means that nothing is known. */
static uint32_t origin_of(const struct guesses *g, const struct ip_addr *peer)
{
    struct ip_addr network = ip_network(peer);

    return (uint32_t)hash_bytes(&g->key, 0, network.bytes, sizeof(network.bytes)) | 1;
}

static uint64_t account_of(const struct guesses *g, const struct fleet_device *d, const struct ip_addr *peer)
{
    uint64_t h = hash_bytes(&g->key, d->product->no, d->mac, strlen(d->mac));
    bool at_home = session_table_origin(g->sessions, d->no) == origin_of(g, peer);

    return h << 1 | at_home;
}

void guesses_let_in(struct guesses *g, uint32_t device, const struct ip_addr *peer)
{
    session_table_let_in(g->sessions, device, origin_of(g, peer));
}

/* Counts before it compares, so that many guesses at the same moment do not pass the limit. */
enum guess guesses_by_registering(struct guesses *g, const struct fleet_device *device, struct str passcode,
                                  const struct ip_addr *peer)
{
    uint64_t account = account_of(g, device, peer);

    if (!rate_table_take_number(g->by_device, account, clock_mono_us()))
        return GUESS_TOO_MANY;
    if (!secret_text_equal(passcode, str_of(device->passcode)))
        return GUESS_WRONG;
    rate_table_give_number(g->by_device, account);
    guesses_let_in(g, device->no, peer);
    return GUESS_RIGHT;
}

enum guess guesses_passcode(struct guesses *g, const struct fleet_device *device, struct str passcode,
                            const struct ip_addr *peer)
{
    if (!rate_table_take_address(g->by_address, peer, clock_mono_us()))
        return GUESS_TOO_MANY;
    enum guess guess = guesses_by_registering(g, device, passcode, peer);
    if (guess == GUESS_RIGHT)
        rate_table_give_address(g->by_address, peer);
    return guess;
}
