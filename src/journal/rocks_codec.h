#ifndef MUSTER_JOURNAL_ROCKS_CODEC_H
#define MUSTER_JOURNAL_ROCKS_CODEC_H

#include "base/buf.h"
#include "base/bytes.h"
#include "journal/journal.h"

/* How records are laid out in keys and values. Private to the journal; pure; any thread.
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
 * Keys are big-endian, so that they sort like the numbers. In values numbers are LEB128, signed ones zigzag first; the
 * rest of a value is the payload or the image. A record begins with a byte of flags. A flag that this version does not
 * know is damage, since a journal of a newer format is refused at its opening.
 *
 * A record's running number is LEB128 too, at the end of its key; searching does not need it there. So the bytes in
 * which two records of a device differ are in one place, which compresses better than two places (docs/journal.md). */
#define ROCKS_FORMAT        4
#define ROCKS_FORMAT_OLDEST 3 /* can be read; a start makes it ROCKS_FORMAT, since states may lag then */

enum record_kind { RECORD_MESSAGE = 1, RECORD_SESSION = 2 };

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

/* The part of a record that is needed to find it by its number. */
struct record_head {
    int64_t ts_us;
    uint64_t number;
    uint64_t decoded_number; /* 0 in a session record */
    bool decoded;
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

/* Append what the key does not contain to an empty buffer, whose err tells of a failure. */
void rocks_message_encode(struct buf *out, const struct journal_message *m);
void rocks_session_encode(struct buf *out, const struct journal_session *s);
void rocks_state_encode(struct buf *out, const struct journal_state *s);
void rocks_versions_encode(struct buf *out, const struct journal_versions *v);
void rocks_event_encode(struct buf *out, const struct journal_event *e);
void rocks_control_encode(struct buf *out, const struct journal_control *c);

/* MU_E_CORRUPT if key or value is not what the functions above write. Payload and image point into the value. */
MU_MUST_USE enum mu_err rocks_record_head_decode(struct bytes key, struct bytes value, enum record_kind kind,
                                                 struct record_head *out);
MU_MUST_USE enum mu_err rocks_message_decode(const struct record_head *head, struct bytes value,
                                             struct journal_message *out);
MU_MUST_USE enum mu_err rocks_session_decode(const struct record_head *head, struct bytes value,
                                             struct journal_session *out);
MU_MUST_USE enum mu_err rocks_state_decode(struct bytes value, struct journal_state *out);
MU_MUST_USE enum mu_err rocks_versions_decode(struct bytes value, struct journal_versions *out);
/* The name points into the key. */
MU_MUST_USE enum mu_err rocks_event_decode(struct bytes key, struct bytes value, uint32_t *device,
                                           struct journal_event *out);
/* Ids and frame point into the value. */
MU_MUST_USE enum mu_err rocks_control_decode(struct bytes key, struct bytes value, struct journal_control *out);

#endif
