#ifndef MUSTER_BASE_THREAD_H
#define MUSTER_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Starts a thread under a name of at most 15 characters (ps -L, top -H). It takes no signals, which
 * are the main thread's, but those of its own faults. MU_E_NOMEM: there is none, and errno says why. */
MU_MUST_USE enum mu_err thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg);

/* As pthread_cond_wait, but only until a moment of clock_mono_us; false: it has come. */
bool thread_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us);

#endif
