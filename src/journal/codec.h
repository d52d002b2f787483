#ifndef MUSTER_JOURNAL_CODEC_H
#define MUSTER_JOURNAL_CODEC_H

#include "base/buf.h"
#include "base/bytes.h"
#include "journal/journal.h"

/* How the values of records are laid out, in every store of the journal. Private to the journal; pure; any thread. Keys
 * are the store's own (rocks_key.h, postgres_schema.c).
 *
 * Numbers are LEB128, signed ones zigzag first; the rest of a value is the payload or the image. A record begins with a
 * byte of flags. A flag that this version does not know is damage, since a journal of a newer format is refused at its
 * opening. */

enum record_kind { RECORD_MESSAGE = 1, RECORD_SESSION = 2 }; /* as stores write it */

static inline enum record_kind codec_kind_of(enum journal_list list)
{
    return list == LIST_MESSAGES ? RECORD_MESSAGE : RECORD_SESSION;
}

/* The part of a record that is needed to find it by its number. */
struct record_head {
    int64_t ts_us;
    uint64_t number;
    uint64_t decoded_number; /* 0 in a session record */
    bool decoded;
};

/* Append what the key does not contain to an empty buffer, whose err tells of a failure. */
void codec_message_encode(struct buf *out, const struct journal_message *m);
void codec_session_encode(struct buf *out, const struct journal_session *s);
void codec_state_encode(struct buf *out, const struct journal_state *s);
void codec_versions_encode(struct buf *out, const struct journal_versions *v);
void codec_event_encode(struct buf *out, const struct journal_event *e);
void codec_control_encode(struct buf *out, const struct journal_control *c);

/* MU_E_CORRUPT if the value is not what the functions above write. Payload and image, ids and frame point into the value.
 * Of a head the caller has set ts_us and number; of an event and a control what its key says, which stays. */
MU_MUST_USE enum mu_err codec_head_decode(struct bytes value, struct record_head *head);
MU_MUST_USE enum mu_err codec_message_decode(const struct record_head *head, struct bytes value,
                                             struct journal_message *out);
MU_MUST_USE enum mu_err codec_session_decode(const struct record_head *head, struct bytes value,
                                             struct journal_session *out);
MU_MUST_USE enum mu_err codec_state_decode(struct bytes value, struct journal_state *out);
MU_MUST_USE enum mu_err codec_versions_decode(struct bytes value, struct journal_versions *out);
MU_MUST_USE enum mu_err codec_event_decode(struct bytes value, struct journal_event *out);
MU_MUST_USE enum mu_err codec_control_decode(struct bytes value, struct journal_control *out);

#endif
