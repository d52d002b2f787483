#ifndef MUSTER_FUZZ_H
#define MUSTER_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* What the fuzz targets share. A target is one file with libFuzzer's LLVMFuzzerTestOneInput: it takes any
 * bytes, and ends the process where a property does not hold. The same input gives the same run, so what
 * looks like chance is taken from the input. */

/* Stays on whatever the build says, and says what was expected. */
#define CHECK(condition) ((condition) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_failed(const char *file, int line, const char *condition);

/* Fails, and shows where the two differ. */
#define CHECK_SAME(a, b) fuzz_check_same(__FILE__, __LINE__, a, b)
void fuzz_check_same(const char *file, int line, const struct buf *a, const struct buf *b);

/* --- splits: how an input arrives ------------------------------------------------------------------*/
struct fuzz_split {
    uint64_t state;
    size_t most; /* bytes of one part */
};

/* All of it at once. */
#define FUZZ_WHOLE ((struct fuzz_split){ 0, SIZE_MAX })
/* In parts: single bytes, or short or long ones, as chance (the input) has it. */
struct fuzz_split fuzz_split(const uint8_t *input, size_t len);
/* The length of the next part, of what is left (not 0). */
size_t fuzz_next_part(struct fuzz_split *split, size_t left);

#endif
