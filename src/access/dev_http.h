#ifndef MUSTER_ACCESS_DEV_HTTP_H
#define MUSTER_ACCESS_DEV_HTTP_H

#include "access/access_private.h"

/* The routes under /dev, which devices use (device-access 1). A device reads an answer with one recv
 * of at most LIMIT_DEV_ANSWER bytes, so answers are a status and a short text. */

/* Fills in the answer. */
void dev_answer(struct http_exchange *ex, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for a device that is not let in, in the words of the reason; also noted for the operator. The caller's
 * address is the exchange's. */
void dev_refuse(struct http_exchange *ex, int status, struct access_caller who, enum refusal_reason why);
/* The same for a did that the fleet does not know. */
void dev_refuse_did(struct http_exchange *ex, struct str did, enum refusal_reason why);
/* Whether the passcode that came is the device's (guesses.h). If not, the answer is written: 400 and
 * `wrong`, or 429 and `too_many`. */
bool dev_passcode_is_right(struct http_exchange *ex, const struct fleet_device *device, struct str passcode,
                           enum refusal_reason wrong, enum refusal_reason too_many);
/* The answer for an error of a store; it is logged. */
void dev_answer_failure(struct http_exchange *ex, const char *what, enum mu_err err);

/* dev_register.c, dev_provision.c, dev_ota.c */
void dev_register(struct http_exchange *ex);
void dev_disable(struct http_exchange *ex);
void dev_provision(struct http_exchange *ex);
void dev_check_firmware(struct http_exchange *ex);

#endif
