#ifndef MUSTER_OPS_MANIFEST_H
#define MUSTER_OPS_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ops/digest.h"
#include "registry/registry.h"

/* What a backup says of itself: the file backup.json in it, written last. It tells the moment, what is
 * in the backup, and all its files with their sizes and SHA-256 (but for the journal's tables, whose
 * blocks carry checksums of their own), so that one that was cut off on its way is found. */
#define MANIFEST_NAME "backup.json"

struct manifest_file {
    char *path; /* relative to the backup */
    uint64_t bytes;
    char sha256[DIGEST_TEXT]; /* "" = none */
};
struct manifest {
    char muster[32]; /* version of the program that made it */
    int64_t moment_us;
    struct registry_totals totals;
    struct manifest_file *files;
    size_t file_count;
    uint32_t file_cap;
};

/* Whether dir is a backup. */
bool manifest_is_in(const char *dir);

/* The directory is open (dir.h), and what is read and written in it is not reached by a link. In each case
 * `why` gets one sentence on failure, and manifest_free is due whatever the outcome. */

/* All files that lie in it and in the directories in it. */
MU_MUST_USE enum mu_err manifest_gather(struct manifest *m, int dir, char *why, size_t why_size);
/* Synced; all there or not at all. */
MU_MUST_USE enum mu_err manifest_write(const struct manifest *m, int dir, char *why, size_t why_size);
/* name: of the directory, for the sentence. MU_E_NOT_FOUND: it is not a backup, or was interrupted;
 * MU_E_SCHEMA: of a newer version; MU_E_CORRUPT, MU_E_REFUSED. */
MU_MUST_USE enum mu_err manifest_read(struct manifest *m, int dir, const char *name, char *why, size_t why_size);
/* Compares the files with what it says; each mistake is told in one line. False: one is a link, a pipe or
 * the like, which nobody should open by its path. */
bool manifest_compare(const struct manifest *m, int dir, void (*mistake)(void *ctx, const char *text), void *ctx);
/* Whether a file of so many bytes, with that digest, is the one that it says; if not, why gets a line. */
bool manifest_file_matches(const struct manifest_file *file, uint64_t bytes, const char *sha256, char *why,
                           size_t why_size);
uint64_t manifest_bytes(const struct manifest *m);
void manifest_free(struct manifest *m);

#endif
