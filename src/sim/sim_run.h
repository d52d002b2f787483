#ifndef MUSTER_SIM_SIM_RUN_H
#define MUSTER_SIM_SIM_RUN_H

#include <signal.h>

#include "ops/settings.h"
#include "sim/sim_device.h"

/* Runs the devices on the loops that the settings `threads`, `connect-rate` and `duration` say, until the duration is over
 * or one of the signals comes, and prints the counts. The calling thread has the signals blocked. Returns the command's
 * exit status. */
int sim_run(const struct settings *set, const struct sim_options *options, struct sim_device *devices, size_t count,
            const sigset_t *signals);

#endif
