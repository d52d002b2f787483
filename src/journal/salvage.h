#ifndef MUSTER_JOURNAL_SALVAGE_H
#define MUSTER_JOURNAL_SALVAGE_H

#include "journal/journal.h"

/* What is left of a damaged journal, in a new one. The port of `muster repair` alone. One thread at a time. */
struct journal_salvage;

/* Opens what can be opened of `from`/journal, which nobody has open, and changes nothing there; `scratch` is a
 * directory on the same file system, in which it may make a `salvage/`. With `from`/journal missing, or nothing to be
 * read in it, the new one will be empty. MU_E_NOMEM, MU_E_IO, MU_E_FULL: why gets a sentence. */
MU_MUST_USE enum mu_err journal_salvage_open(struct journal_salvage **out, const char *from, const char *scratch,
                                             char *why, size_t why_size);
/* What it has seen of the registry: as much of it as can be read, and the highest number of a device and version
 * of a definition in it. */
struct journal_registry journal_salvage_seen(const struct journal_salvage *s, uint32_t *definition);

struct journal_salvaged {
    uint64_t messages, sessions; /* that were copied */
    uint64_t missing;            /* numbers between those that were copied */
    uint64_t devices;            /* whose records have such gaps, or whose state is lost */
    uint64_t commits;            /* acknowledged ones behind its end; UINT64_MAX: not known how many */
    int64_t since_us;            /* no record before this moment is known to be missing; 0: none is at all */
    bool states, events;         /* some of these are lost: no device's image is kept, nor are open events */
};
/* Makes `to`/journal with its mark, a journal of the registry that `registry` tells of, which journal_check finds
 * nothing in. Where numbers of records are missing, windows are counted one by one from then on. `to` is there and
 * holds none. Takes as much room as the journal. Errors as above. */
MU_MUST_USE enum mu_err journal_salvage_copy(struct journal_salvage *s, const char *to,
                                             const struct journal_registry *registry, struct journal_salvaged *out,
                                             char *why, size_t why_size);
/* NULL is allowed. */
void journal_salvage_close(struct journal_salvage *s);

#endif
