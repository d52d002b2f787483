#ifndef MUSTER_JOURNAL_SALVAGE_H
#define MUSTER_JOURNAL_SALVAGE_H

#include "journal/rocks_journal.h"

/* Copies what is left of a damaged journal into a new one. Only `muster repair` uses it. One thread at a time. */
struct journal_salvage;

/* Opens what can be opened of `from`/journal, which nobody has open, and changes nothing there. `scratch` is a directory
 * on the same file system, in which it may make a `salvage/`. If `from`/journal is missing, or nothing of it can be read,
 * the new journal will be empty. MU_E_NOMEM, MU_E_IO, MU_E_FULL: why gets a sentence. */
MU_MUST_USE enum mu_err journal_salvage_open(struct journal_salvage **out, const char *from, const char *scratch,
                                             char *why, size_t why_size);
/* What the damaged journal has seen of the registry, as far as it can be read, and the highest number of a device and of
 * a definition's version in it. */
struct rocks_journal_registry journal_salvage_seen(const struct journal_salvage *s, uint32_t *definition);

struct journal_salvaged {
    uint64_t messages, sessions; /* that were copied */
    uint64_t missing;            /* numbers between those that were copied */
    uint64_t devices;            /* whose records have such gaps, or whose state is lost */
    uint64_t commits;            /* acknowledged commits behind its end; UINT64_MAX: not known how many */
    int64_t since_us;            /* no record before this moment is known to be missing; 0: none is at all */
    bool states, events;         /* some of these are lost: no device's image is kept, nor are open events */
};
/* Makes `to`/journal with its mark: a journal for the registry that `registry` describes, in which journal_check finds no
 * mistake. Where numbers of records are missing, windows are counted record by record from then on. `to` exists and has
 * no journal. Takes as much room as the journal. Errors as above. */
MU_MUST_USE enum mu_err journal_salvage_copy(struct journal_salvage *s, const char *to,
                                             const struct rocks_journal_registry *registry,
                                             struct journal_salvaged *out, char *why, size_t why_size);
/* NULL is allowed. */
void journal_salvage_close(struct journal_salvage *s);

#endif
