#ifndef MUSTER_SIM_SIM_H
#define MUSTER_SIM_SIM_H

#include "ops/command_table.h"

/* muster sim: thousands of devices in one process, through the server's public ports only. */
extern const struct command sim_command;

#endif
