#ifndef MUSTER_ACCESS_SESSION_FIXTURE_H
#define MUSTER_ACCESS_SESSION_FIXTURE_H

#include "base/unit_test.h"

#include "access/access.h"
#include "access/fake_commit.h"

/* Sessions over a real loop and real sockets, before a committer that does what the test says. What
 * must not come yet is proved by what has come instead: a PINGRESP, asked for later, and first. */

extern struct access *fixture_access;
extern struct loop *fixture_loops[]; /* by index */

int fixture_setup(void **state);
int fixture_setup_without_limits(void **state);
int fixture_setup_loops(unsigned loops); /* at most 3; the others have one */
int fixture_teardown(void **state);
struct access_figures fixture_figures(void);
/* Does the session table have a session of device 1? */
bool fixture_is_connected(void);
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* --- a client ---------------------------------------------------------------------------------*/

enum { PATIENCE_S = 60 };

int open_client(void);
/* One whose kernel takes little while it does not read. */
int open_narrow_client(void);
void say(int fd, const void *bytes, size_t len);
void hear(int fd, const void *expected, size_t len);
void hear_the_end(int fd);
/* Closes it with a reset. */
void reset_client(int fd);
/* Opens a client, says CONNECT, and returns when its login has been handed over as event n. */
int claim(const void *connect, size_t len, unsigned n, struct fake_commit_event *login);
/* Opens a client and hears the CONNACK of 3.1 or 3.1.1. */
int log_in(const void *connect, size_t len);

#define SAY(fd, literal)         say(fd, literal, sizeof(literal) - 1)
#define HEAR(fd, literal)        hear(fd, literal, sizeof(literal) - 1)
#define LOG_IN(literal)          log_in(literal, sizeof(literal) - 1)
#define CLAIM(literal, n, login) claim(literal, sizeof(literal) - 1, n, login)

#define PING "\xc0\0"
#define PONG "\xd0\0"
#define CONNECT_311(did)         \
    "\x10\x2e\0\4MQTT\4\xc2\0\0" \
    "\0\2id"                     \
    "\0\x16" did "\0\6secret"
#define CONNECT_31(did)            \
    "\x10\x30\0\6MQIsdp\3\xc2\0\0" \
    "\0\2id"                       \
    "\0\x16" did "\0\6secret"
#define CONNECT_5(did)           \
    "\x10\x2f\0\4MQTT\5\xc2\0\0" \
    "\0"                         \
    "\0\2id"                     \
    "\0\x16" did "\0\6secret"
#define WILL_311(did)            \
    "\x10\x56\0\4MQTT\4\xc6\0\0" \
    "\0\2id"                     \
    "\0\x1e"                     \
    "dev2app/" did "\0\6farewl"  \
    "\0\x16" did "\0\6secret"

/* A report of three bytes. */
#define REPORT_1(did, id, text) \
    "\x32\x25\0\x1e"            \
    "dev2app/" did "\0" id text
#define REPORT_2(did, id, text) \
    "\x34\x25\0\x1e"            \
    "dev2app/" did "\0" id text
#define REPORT_0(did, text) \
    "\x30\x23\0\x1e"        \
    "dev2app/" did text
/* Of 14 bytes, in a frame with the serial number 5 that wants its 0x0094. */
#define NUMBERED "\0\0\0\3\x9\0\0\x93\0\0\0\5\4\1"
#define NUMBERED_0(did) \
    "\x30\x2e\0\x1e"    \
    "dev2app/" did NUMBERED
#define NUMBERED_1(did, id) \
    "\x32\x30\0\x1e"        \
    "dev2app/" did "\0" id NUMBERED
#define FRAME_ACKED(did)         \
    "\x30\x37\0\x29"             \
    "app2dev/" did "/enterprise" \
    "\0\0\0\3\7\0\0\x94\0\0\0\5"
#define SUBSCRIBE(did, qos) \
    "\x82\x25\0\1\0\x20"    \
    "app2dev/" did "/#" qos
/* Three bytes that are asked of the server. */
#define REQUEST_1(id, text) \
    "\x32\x12\0\x0b"        \
    "cli2ser_req"           \
    "\0" id text
#define REQUEST_2(id, text) \
    "\x34\x12\0\x0b"        \
    "cli2ser_req"           \
    "\0" id text

#endif
