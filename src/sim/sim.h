#ifndef MUSTER_SIM_SIM_H
#define MUSTER_SIM_SIM_H

/* muster sim: thousands of devices in one process, through the server's public ports only. */
int sim_command(int argc, char **argv);

#endif
