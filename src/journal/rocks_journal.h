#ifndef MUSTER_JOURNAL_ROCKS_JOURNAL_H
#define MUSTER_JOURNAL_ROCKS_JOURNAL_H

#include "journal/journal.h"

/* The journal in a data directory, in RocksDB: what concerns its files. One process has a directory open at a time. */

/* What the journal has seen of the registry beside it. The committer notes it, each batch carries it, and a start
 * compares it: a registry that is older than that would give the same numbers a second time. */
struct rocks_journal_registry {
    uint8_t id[16];  /* of the data directory that both belong to */
    uint64_t change; /* number of the registry's last change */
    uint32_t device; /* the highest number that it has given to a device */
};

struct rocks_journal_options {
    const struct rocks_journal_registry *registry; /* what the registry says of itself; NULL: do not compare */
    bool looked;                                   /* rocks_journal_look said MU_OK, and nobody opened it since */
    unsigned retention_days;                       /* messages and session records; 0: the default, 7 */
    /* If the clock is more than two days ahead of everything seen before, nothing expires by it until it has stayed
     * there for so many seconds. 0: the default, a day; negative: it is believed at once. */
    int64_t clock_patience_s;
    uint64_t reserve_bytes; /* free space below which commits are refused; 0: the default, 64 MiB */
};

/* Opens the journal in `dir`, which exists, or makes an empty one, and counts this start. On an error `why` gets a
 * sentence with the directory: MU_E_LOCKED, MU_E_SCHEMA, MU_E_CORRUPT, MU_E_FULL (less than the reserve is free),
 * MU_E_IO. Before anything is changed, the journal is read as far as a start has time for. MU_E_CORRUPT also if it ends
 * before what was acknowledged (base/mark.h), lacks a day, or has seen a later registry than the one here. */
MU_MUST_USE enum mu_err rocks_journal_open(struct journal **out, const char *dir,
                                           const struct rocks_journal_options *options, char *why, size_t why_size);
/* The part of rocks_journal_open that changes nothing; MU_OK also if there is no journal yet. */
MU_MUST_USE enum mu_err rocks_journal_look(const char *dir, const struct rocks_journal_registry *registry, char *why,
                                           size_t why_size);
/* MU_E_FULL: with the default reserve rocks_journal_open would fail so, in `dir` or in a new directory in it. */
MU_MUST_USE enum mu_err rocks_journal_check_room(const char *dir, char *why, size_t why_size);
/* Opens a journal that nobody has open, for reading only: nothing in the directory changes, and no start is counted.
 * What an older version did not keep is empty in it. Nothing may be written to it. */
MU_MUST_USE enum mu_err rocks_journal_open_unchanged(struct journal **out, const char *dir,
                                                     const struct rocks_journal_registry *registry, char *why,
                                                     size_t why_size);

/* The text about damage that opening or visiting met, with the file's name; "" if there was none. Same thread. */
const char *rocks_journal_damage(const struct journal *j);

/* Writes what is only in memory and in the log into tables, so that a checkpoint right after it is short. Any thread. It
 * takes up to seconds; commits go on meanwhile. */
MU_MUST_USE enum mu_err rocks_journal_flush(struct journal *j);
/* Makes `dir`/journal, a journal that holds what is committed now. dir exists and is on the journal's file system: the
 * two share the files that never change, so time and room do not depend on their size. Same thread as journal_commit,
 * and not while a batch is being filled. After an error something may be left in dir. */
MU_MUST_USE enum mu_err rocks_journal_checkpoint(struct journal *j, const char *dir);

#endif
