#ifndef MUSTER_OPS_LOCAL_PRIVATE_H
#define MUSTER_OPS_LOCAL_PRIVATE_H

#include <sys/un.h>

#include "ops/local.h"

/* Functions that both ends of the command socket use. */

/* false: the path is too long for a socket, or there is no memory. */
bool local_address(const char *dir, struct sockaddr_un *out);
/* Sends everything, however long the peer takes. false: the peer has left, or the socket's send timeout passed. */
bool local_send_all(int fd, const void *bytes, size_t len);

enum local_read { LOCAL_READ, LOCAL_READ_END, LOCAL_READ_FAILED };
/* Waits for the peer's next bytes and appends them. */
enum local_read local_receive(int fd, struct buf *in);

#endif
