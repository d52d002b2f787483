#ifndef MUSTER_OPS_SERVICE_NOTIFY_H
#define MUSTER_OPS_SERVICE_NOTIFY_H

/* Tells the service manager the state of this process: sends to the socket that NOTIFY_SOCKET names (systemd's
 * Type=notify, sd_notify(3)). Does nothing if the variable is not set; never waits. Any thread. */

void service_notify_ready(void);
void service_notify_reloading(void); /* service_notify_ready must follow */
void service_notify_stopping(void);

#endif
