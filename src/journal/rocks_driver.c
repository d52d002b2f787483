#include "journal/rocks_internal.h"

/* What RocksDB implements the port with. */

static void close_port(struct journal *port)
{
    rocks_journal_close(rocks_of(port));
}

static bool boot_is_over(struct journal *port, uint64_t boot, int64_t *since_us)
{
    *since_us = rocks_alive_us(rocks_of(port), boot);
    return true; /* a directory is open once */
}

/* clang-format off: a table */
const struct journal_driver rocks_driver = {
    .close = close_port,
    .boot_is_over = boot_is_over,
    .note_registry = rocks_note_registry,
    .followed_until_us = rocks_followed_until_us,

    .batch_create = rocks_batch_create,
    .batch_destroy = rocks_batch_destroy,
    .batch_clear = rocks_batch_clear,
    .batch_bytes = rocks_batch_bytes,
    .message = rocks_batch_message,
    .session = rocks_batch_session,
    .turn = rocks_batch_turn,
    .state = rocks_batch_state,
    .followed = rocks_batch_followed,
    .versions = rocks_batch_versions,
    .active = rocks_batch_active,
    .active_set = rocks_batch_active_set,
    .event = rocks_batch_event,
    .forget_event = rocks_batch_forget_event,
    .forget_device = rocks_batch_forget_device,
    .control = rocks_batch_control,
    .forget_controls = rocks_batch_forget_controls,

    .commit = rocks_commit,
    .roll = rocks_roll,
    .expiry_us = rocks_expiry_us,

    .visit = rocks_visit,
    .events = rocks_events,
    .controls = rocks_controls,
    .messages = rocks_messages,
    .sessions = rocks_sessions,
    .turned = rocks_turned,
    .check = rocks_check_all,
    .copy = &rocks_driver_copy,
};
/* clang-format on */
