#include "ops/service_notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t len = path ? strlen(path) : 0;

    if (len == 0)
        return;
    int fd = len < sizeof(to.sun_path) ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (fd >= 0) {
        memcpy(to.sun_path, path, len);
        if (path[0] == '@') /* in the abstract namespace */
            to.sun_path[0] = '\0';
    }
    if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
        log_event(LOG_WARN, "service_manager_not_notified", "socket=%s", LOG_Q(path, -1));
    if (fd >= 0)
        close(fd);
}

void service_notify_ready(void)
{
    notify("READY=1");
}

void service_notify_reloading(void)
{
    char state[64];

    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
    notify(state);
}

void service_notify_stopping(void)
{
    notify("STOPPING=1");
}
