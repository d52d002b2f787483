#ifndef MUSTER_ACCESS_GUESSES_H
#define MUSTER_ACCESS_GUESSES_H

#include "access/session_table.h"
#include "fleet/fleet.h"

/* Limits wrong passcodes over /dev per minute, by source address and by device. Each device has two accounts: one for
 * the address from which it was let in last (by a login, or over /dev), and one for all other addresses. So a
 * stranger elsewhere cannot lock it out. When an account is used up, no passcode is compared any more: the right one
 * is refused too, or the refusal of others would give it away.
 *
 * A device is a product and a mac here: all its registrations share its accounts. MQTT logins are not limited: a
 * guesser must not keep out a device that has moved. Any thread. */
struct guesses;

/* How many per minute; 0 = any. `sessions` outlives it. */
MU_MUST_USE enum mu_err guesses_create(struct guesses **out, double per_address, double per_device,
                                       struct session_table *sessions);
void guesses_destroy(struct guesses *g);

enum guess { GUESS_RIGHT, GUESS_WRONG, GUESS_TOO_MANY };
/* Compares a passcode that came from peer with that of the device. A wrong one counts for the device and for the
 * address. */
enum guess guesses_passcode(struct guesses *g, const struct fleet_device *device, struct str passcode,
                            const struct ip_addr *peer);
/* The same for a registration of the device's mac. It does not count for the address, which --address-registrations
 * limits: many modules behind one address may be new or have been reset. */
enum guess guesses_by_registering(struct guesses *g, const struct fleet_device *device, struct str passcode,
                                  const struct ip_addr *peer);

/* The device was let in from there. */
void guesses_let_in(struct guesses *g, uint32_t device, const struct ip_addr *peer);

#endif
