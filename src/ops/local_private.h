#ifndef MUSTER_OPS_LOCAL_PRIVATE_H
#define MUSTER_OPS_LOCAL_PRIVATE_H

#include <sys/un.h>

#include "ops/local.h"

/* What both ends of the command socket share. */

/* false: the path is too long for a socket. */
bool local_address(const char *dir, struct sockaddr_un *out);
/* Sends all, however long the peer takes; false: it has gone. A send timeout of the socket holds. */
bool local_send_all(int fd, const void *bytes, size_t len);

enum local_read { LOCAL_READ, LOCAL_READ_END, LOCAL_READ_FAILED };
/* Appends what the peer says next, waiting for it. */
enum local_read local_receive(int fd, struct buf *in);

#endif
