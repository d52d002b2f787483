#ifndef MUSTER_ACCESS_GUESSES_H
#define MUSTER_ACCESS_GUESSES_H

#include "access/session_table.h"
#include "fleet/fleet.h"

/* Wrong passcodes over /dev, counted per minute: by source address, and by device. Each device has two
 * accounts, one for the address from which it was let in last (by a login, or over /dev) and one for all
 * other addresses, so that strangers elsewhere do not hold it back where it is. Where an account has run
 * out nothing is compared any more: also the right passcode is refused, or it would give itself away.
 *
 * A device is its product and mac here: another registration of it shares its accounts. MQTT logins are
 * not held back: whoever guesses must not keep a device that has moved from coming back. Any thread. */
struct guesses;

/* How many per minute; 0 = any. `sessions` outlives it. */
MU_MUST_USE enum mu_err guesses_create(struct guesses **out, double per_address, double per_device,
                                       struct session_table *sessions);
void guesses_destroy(struct guesses *g);

enum guess { GUESS_RIGHT, GUESS_WRONG, GUESS_TOO_MANY };
/* Compares a passcode that came from peer with that of the device, and counts it if it is wrong: of the
 * device, and of the address. */
enum guess guesses_passcode(struct guesses *g, const struct fleet_device *device, struct str passcode,
                            const struct ip_addr *peer);
/* The same for a registration of its mac, whose address is counted elsewhere: many modules behind one
 * address may be new, or have been reset. */
enum guess guesses_by_registering(struct guesses *g, const struct fleet_device *device, struct str passcode,
                                  const struct ip_addr *peer);

/* The device was let in from there. */
void guesses_let_in(struct guesses *g, uint32_t device, const struct ip_addr *peer);

#endif
