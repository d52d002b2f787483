#include "access/fake_commit.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "registry/registry.h"

/* A committer and a fleet for the session tests. */

enum { EVENTS_MAX = 8192, WAIT_S = 60 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t committing = PTHREAD_MUTEX_INITIALIZER; /* only one thread may be the committer's */
static pthread_cond_t came = PTHREAD_COND_INITIALIZER;
static struct fake_commit_event events[EVENTS_MAX];
static unsigned event_count;
static struct product_row product_row = { .no = 1 };
static struct fleet_product product = { .no = 1, .product_key = "d4f6c8a25e3b4a1f9c7d0e2b6a8f1c3d" };
static atomic_bool room, disk_full, hold_logins;
static atomic_uint hurries;
static void (*tell_disabled)(void *ctx, uint32_t device);
static void *disabled_ctx;
static atomic_uint disabled_devices; /* a bit for each device */

void fake_reset(void)
{
    event_count = 0;
    product_row.pacing = PACING_AUTO;
    atomic_store(&product.row, &product_row);
    room = true;
    disk_full = false;
    hold_logins = false;
    hurries = 0;
    disabled_devices = 0;
}

void fake_set_pacing(enum pacing pacing)
{
    product_row.pacing = pacing;
}

void fake_set_room(bool there_is)
{
    room = there_is;
}

void fake_set_disk_full(bool full)
{
    disk_full = full;
}

void fake_hold_logins(void)
{
    hold_logins = true;
}

unsigned fake_hurries(void)
{
    return hurries;
}

static void add(struct fake_commit_event e, const uint8_t *payload, size_t len)
{
    if (len)
        memcpy(e.payload, payload, len < sizeof(e.payload) ? len : sizeof(e.payload) - 1);
    pthread_mutex_lock(&lock);
    if (event_count == EVENTS_MAX)
        abort();
    events[event_count++] = e;
    pthread_cond_signal(&came);
    pthread_mutex_unlock(&lock);
}

struct fake_commit_event fake_event(unsigned n)
{
    int64_t until_us = clock_mono_us() + WAIT_S * INT64_C(1000000);

    pthread_mutex_lock(&lock);
    while (event_count <= n)
        if (!thread_wait(&came, &lock, until_us))
            abort();
    struct fake_commit_event e = events[n];
    pthread_mutex_unlock(&lock);
    return e;
}

unsigned fake_event_count(void)
{
    pthread_mutex_lock(&lock);
    unsigned n = event_count;
    pthread_mutex_unlock(&lock);
    return n;
}

void fake_commit(const struct fake_commit_event *e, enum mu_err err)
{
    pthread_mutex_lock(&committing);
    if (e->tag)
        e->sink->done(e->sink, e->owner, e->tag, err);
    e->sink->flush(e->sink);
    pthread_mutex_unlock(&committing);
}

/* --- the committer ----------------------------------------------------------------------------*/

bool committer_has_room(struct committer *c, struct commit_sink *sink)
{
    (void)c;
    (void)sink;
    return room;
}

enum mu_err committer_failing(const struct committer *c)
{
    (void)c;
    return disk_full ? MU_E_FULL : MU_OK;
}

void committer_login(struct committer *c, const struct commit_item *item, const struct commit_login *login)
{
    struct fake_commit_event e = { .kind = EVENT_LOGIN,
                                   .device = item->device,
                                   .session = login->session,
                                   .takeover = login->takeover,
                                   .sink = item->sink,
                                   .owner = item->owner,
                                   .tag = item->tag };
    bool held = hold_logins;

    (void)c;
    add(e, NULL, 0);
    if (!held)
        fake_commit(&e, MU_OK);
}

void committer_end(struct committer *c, const struct commit_end *end)
{
    (void)c;
    add(
        (struct fake_commit_event){
            .kind = EVENT_END, .device = end->device, .session = end->session, .reason = end->reason },
        NULL, 0);
}

static void add_item(enum fake_commit_kind kind, const struct commit_item *item, const uint8_t *payload, size_t len)
{
    add(
        (struct fake_commit_event){
            .kind = kind, .device = item->device, .sink = item->sink, .owner = item->owner, .tag = item->tag },
        payload, len);
}

void committer_report(struct committer *c, const struct commit_item *item, const uint8_t *payload, size_t len)
{
    (void)c;
    add_item(EVENT_REPORT, item, payload, len);
}

void committer_hurry(struct committer *c)
{
    (void)c;
    atomic_fetch_add(&hurries, 1);
}

void committer_control(struct committer *c, const struct commit_item *item, uint32_t enterprise, uint64_t request,
                       const uint8_t *payload, size_t len)
{
    (void)c;
    (void)enterprise;
    (void)request;
    add_item(EVENT_CONTROL, item, payload, len);
}

void committer_pass(struct committer *c, const struct commit_item *item)
{
    (void)c;
    add_item(EVENT_PASS, item, NULL, 0);
}

/* --- the fleet --------------------------------------------------------------------------------*/

bool fleet_login_find(struct fleet *f, struct str did, struct fleet_login *out)
{
    static const char *const dids[] = { DID_1, DID_2, DID_3 };

    (void)f;
    for (uint32_t i = 0; i < 3; i++) {
        if (str_eq(did, str_of(dids[i]))) {
            *out = (struct fleet_login){
                .no = i + 1, .product = &product, .passcode = "secret", .is_disabled = disabled_devices >> i & 1
            };
            return true;
        }
    }
    return false;
}

void fleet_watch_disabled(struct fleet *f, void (*fn)(void *ctx, uint32_t device), void *ctx)
{
    (void)f;
    tell_disabled = fn;
    disabled_ctx = ctx;
}

void fake_disable(uint32_t device)
{
    atomic_fetch_or(&disabled_devices, 1u << (device - 1));
    tell_disabled(disabled_ctx, device);
}

/* --- what only the HTTP side calls, which these tests do not ------------------------------------*/

bool fleet_device_by_mac(struct fleet *f, const struct fleet_product *of, struct str mac, struct fleet_device *out)
{
    (void)f;
    (void)of;
    (void)mac;
    (void)out;
    return false;
}

void committer_versions(struct committer *c, const struct commit_item *item, const struct journal_versions *versions)
{
    (void)c, (void)item, (void)versions;
    abort();
}

enum mu_err committer_follow_registry(struct committer *c)
{
    (void)c;
    abort();
}

const struct fleet_product *fleet_product_by_key(struct fleet *f, struct str product_key)
{
    (void)f, (void)product_key;
    abort();
}

bool fleet_device_by_did(struct fleet *f, struct str did, struct fleet_device *out)
{
    (void)f, (void)did, (void)out;
    abort();
}

enum mu_err registry_register_device(struct registry *reg, const struct register_request *request,
                                     struct register_result *out)
{
    (void)reg, (void)request, (void)out;
    abort();
}

enum mu_err registry_set_device_disabled(struct registry *reg, uint32_t device, bool disabled)
{
    (void)reg, (void)device, (void)disabled;
    abort();
}

enum mu_err registry_locate_device(struct registry *reg, uint32_t device, const struct place *place,
                                   bool has_coordinates, double longitude, double latitude)
{
    (void)reg, (void)device, (void)place, (void)has_coordinates, (void)longitude, (void)latitude;
    abort();
}
