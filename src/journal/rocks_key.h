#ifndef MUSTER_JOURNAL_ROCKS_KEY_H
#define MUSTER_JOURNAL_ROCKS_KEY_H

#include "journal/codec.h"

/* How RocksDB keeps the records: families, keys and values (codec.h). Private to the journal; pure; any thread.
 *
 *   day family   device(4) kind(1) ts_us(8) number  -> the rest of a message or session record
 *   state        device(4)                          -> journal_state
 *   versions     device(4)                          -> journal_versions
 *   active       day(4) device(4)                   -> nothing
 *                day(4)                             -> a set of devices, in the caller's bytes
 *   events       opened_us(8) device(4) kind(1) name -> the rest of journal_event
 *   controls     ts_us(8) request(8)                -> the rest of journal_control
 *   default      "format"                           -> format(8)
 *                "boot"                             -> number of the last start(8)
 *                "clock"                            -> latest moment taken for true(8)
 *                "alive" boot(8)                    -> alive_us(8) commits in that start(8)
 *                "followed"                         -> until when messages may be that states do not count(8)
 *                "turn" device(4) kind(1)           -> spans of time, from(8) to(8) each (rocks_turn.c)
 *                "id"                               -> of the data directory(16)
 *                "registry"                         -> its last change(8) and device number(8) that were seen
 *                "day" day(4)                       -> number of its family(8), which has been made
 *
 * Keys are big-endian, so that they sort like the numbers.
 *
 * A record's running number is LEB128 too, at the end of its key; searching does not need it there. So the bytes in
 * which two records of a device differ are in one place, which compresses better than two places (docs/journal.md). */
#define ROCKS_FORMAT        4
#define ROCKS_FORMAT_OLDEST 3 /* can be read; a start makes it ROCKS_FORMAT, since states may lag then */

enum {
    RECORD_KEY_HEAD = 13,
    RECORD_KEY_MAX = RECORD_KEY_HEAD + 10,
    DEVICE_KEY_LEN = 4,
    ACTIVITY_KEY_LEN = 8,
    ACTIVITY_DAY_LEN = 4,
    EVENT_KEY_HEAD = 13,
    CONTROL_KEY_LEN = 16,
    ALIVE_KEY_LEN = 13
};

/* Writes RECORD_KEY_HEAD bytes, which sort before every record of that moment. */
void rocks_record_key_head(uint8_t out[RECORD_KEY_HEAD], uint32_t device, enum record_kind kind, int64_t ts_us);
/* Returns the length. */
size_t rocks_record_key(uint8_t out[RECORD_KEY_MAX], uint32_t device, enum record_kind kind, int64_t ts_us,
                        uint64_t number);
void rocks_activity_key(uint8_t out[ACTIVITY_KEY_LEN], int32_t day, uint32_t device);
/* Writes EVENT_KEY_HEAD bytes; the name follows them in the key. */
void rocks_event_key_head(uint8_t out[EVENT_KEY_HEAD], uint32_t device, const struct journal_event *e);
void rocks_control_key(uint8_t out[CONTROL_KEY_LEN], int64_t ts_us, uint64_t request);
void rocks_alive_key(uint8_t out[ALIVE_KEY_LEN], uint64_t boot);

/* MU_E_CORRUPT if key or value is not what this version writes. */
MU_MUST_USE enum mu_err rocks_head_decode(struct bytes key, struct bytes value, enum record_kind kind,
                                          struct record_head *out);
/* The name points into the key. */
MU_MUST_USE enum mu_err rocks_event_decode(struct bytes key, struct bytes value, uint32_t *device,
                                           struct journal_event *out);
MU_MUST_USE enum mu_err rocks_control_decode(struct bytes key, struct bytes value, struct journal_control *out);

#endif
