#ifndef MUSTER_OPS_MANIFEST_H
#define MUSTER_OPS_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ops/digest.h"
#include "registry/registry.h"

/* A backup's description of itself: the file backup.json in it, written last. It has the moment of the backup,
 * counts of its content, and all its files with sizes and SHA-256. (The journal's tables have no SHA-256: their
 * blocks have checksums of their own.) So a backup that was cut off in transfer is noticed. */
#define MANIFEST_NAME "backup.json"

struct manifest_file {
    char *path; /* relative to the backup */
    uint64_t bytes;
    char sha256[DIGEST_TEXT]; /* "" = none */
};
struct manifest {
    char muster[32]; /* version of the program that made the backup */
    int64_t moment_us;
    struct registry_totals totals;
    struct manifest_file *files;
    size_t file_count;
    uint32_t file_cap;
};

/* Whether dir is a backup. */
bool manifest_is_in(const char *dir);

/* The directory is open (dir.h); nothing in it is read or written through a link. In each case `why` gets one
 * sentence on failure, and manifest_free must be called whatever the outcome. */

/* Takes up all files in the directory and in the directories directly in it. */
MU_MUST_USE enum mu_err manifest_gather(struct manifest *m, int dir, char *why, size_t why_size);
/* Writes backup.json and syncs it; it is complete or not there at all. */
MU_MUST_USE enum mu_err manifest_write(const struct manifest *m, int dir, char *why, size_t why_size);
/* name: of the directory, for the sentence. MU_E_NOT_FOUND: it is not a backup, or the backup was interrupted;
 * MU_E_SCHEMA: a newer version made it; MU_E_CORRUPT, MU_E_REFUSED. */
MU_MUST_USE enum mu_err manifest_read(struct manifest *m, int dir, const char *name, char *why, size_t why_size);
/* Compares the files with the manifest; calls mistake with one line for each difference. false: a file is a link, a
 * pipe or the like, which nobody should open by its path. */
bool manifest_compare(const struct manifest *m, int dir, void (*mistake)(void *ctx, const char *text), void *ctx);
/* Whether a file with this size and digest is the one in the manifest; if not, why gets a line. */
bool manifest_file_matches(const struct manifest_file *file, uint64_t bytes, const char *sha256, char *why,
                           size_t why_size);
uint64_t manifest_bytes(const struct manifest *m);
void manifest_free(struct manifest *m);

#endif
