#ifndef MUSTER_OPS_SERVICE_NOTIFY_H
#define MUSTER_OPS_SERVICE_NOTIFY_H

/* Tells the service manager how this process is: it listens where NOTIFY_SOCKET says (systemd's
 * Type=notify, sd_notify(3)). Does nothing if there is none; never waits. Any thread. */

void service_notify_ready(void);
void service_notify_reloading(void); /* service_notify_ready follows */
void service_notify_stopping(void);

#endif
