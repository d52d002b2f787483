#ifndef MUSTER_JOURNAL_FAKE_JOURNAL_H
#define MUSTER_JOURNAL_FAKE_JOURNAL_H

#include "journal/journal.h"

/* A journal in memory, for tests. It implements the port, and fails or waits when the test says so. */

struct fake_message {
    uint32_t device;
    struct journal_message m;
    uint8_t *payload;
};
struct fake_session {
    uint32_t device;
    struct journal_session s;
};
struct fake_state {
    uint32_t device;
    struct journal_state s;
    uint8_t image[256];
};
struct fake_versions {
    uint32_t device;
    struct journal_versions v;
};
struct fake_heard {
    uint32_t device;
    bool told;
    struct journal_versions v;
};
struct fake_active {
    int32_t day;
    uint32_t device;
};
struct fake_active_set {
    int32_t day;
    bool forgotten;
    uint8_t bytes[256];
    size_t len;
};
struct fake_event {
    uint32_t device;
    bool forgotten;
    struct journal_event e;
    char name[32];
};

struct fake_past {
    uint32_t device;
    int64_t activated_at, online_latest, last_report;
};

struct fake_turn {
    uint32_t device;
    enum journal_list list;
    int64_t from_us, last_us;
    int64_t ahead_us; /* in a journal: of the first record after from_us */
};

struct fake_control {
    struct journal_control c;
    char enterprise_id[40], did[40];
    uint8_t frame[64];
};

/* The lists grow as they are appended to. */
#define FAKE_LIST(T)  \
    struct {          \
        T *at;        \
        size_t count; \
        uint32_t cap; \
    }
struct fake_records {
    FAKE_LIST(struct fake_message) messages;
    FAKE_LIST(struct fake_session) sessions;
    FAKE_LIST(struct fake_turn) turns;
    FAKE_LIST(struct fake_past) pasts;        /* in a journal: the states have them, too */
    FAKE_LIST(struct fake_state) states;      /* in a journal: one per device, ascending */
    FAKE_LIST(struct fake_versions) versions; /* in a journal: in the order of their commits */
    FAKE_LIST(struct fake_heard) heard;       /* in a journal: none */
    FAKE_LIST(struct fake_active) active;
    FAKE_LIST(struct fake_active_set) active_sets;
    FAKE_LIST(struct fake_event) events;
    FAKE_LIST(struct fake_control) controls; /* in a journal: in the order of their commits */
    int64_t controls_before_us;              /* controls before it are forgotten */
    int64_t followed_until_us;               /* 0: none was noted */
    FAKE_LIST(uint32_t) forgotten;           /* devices; in a journal: none */
    size_t bytes;
};

struct journal *fake_journal_new(uint64_t boot);
/* One that several nodes can open; the other nodes join it. What is stored goes with the last of them. */
struct journal *fake_journal_new_shared(uint64_t boot);
struct journal *fake_journal_join(struct journal *j, uint64_t boot);
/* This start is over, as if another node had said so. */
void fake_journal_end(struct journal *j);
/* The next time that a thread has visited `j`, or has read devices' events or versions through it, fn runs before it goes on; NULL: no
 * longer. */
void fake_journal_meanwhile(struct journal *j, void (*fn)(void *ctx), void *ctx);
void fake_journal_free(struct journal *j);
/* From now on a roll drops messages and session records so many days after; 0, as it begins: never. */
void fake_journal_keep(struct journal *j, unsigned days);

/* Everything committed so far. Read it while no commit can be running. */
struct fake_records *fake_journal_records(struct journal *j);

/* From now on commits end with err; MU_OK: they succeed again. */
void fake_journal_fail(struct journal *j, enum mu_err err);
/* The next visits end with err instead of the row at that place, counted from 0; MU_OK: no longer. */
void fake_journal_fail_at(struct journal *j, size_t place, enum mu_err err);
/* From now on a commit does not return. */
void fake_journal_hold(struct journal *j);
void fake_journal_release(struct journal *j);
/* Waits until a commit has begun and is held. */
void fake_journal_wait_held(struct journal *j);

/* What the last commit noted. */
int64_t fake_journal_alive_us(struct journal *j);
void fake_journal_set_alive(struct journal *j, uint64_t boot, int64_t alive_us);

struct fake_counts {
    size_t commits, empty_commits, failures, rolls;
};
struct fake_counts fake_journal_counts(struct journal *j);
/* How often this start has claimed a device. */
unsigned fake_journal_claims(struct journal *j);

#endif
