#ifndef MUSTER_BASE_RANDOM_H
#define MUSTER_BASE_RANDOM_H

#include <stddef.h>

/* Bytes that nobody can guess, from the kernel. Any thread; cannot fail on the kernels we run on
 * (it aborts rather than go on with a guessable secret). */
void random_bytes(void *out, size_t len);

#endif
