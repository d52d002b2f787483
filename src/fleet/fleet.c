#include "fleet/fleet_internal.h"

#include <assert.h>
#include <roaring/roaring.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/random.h"

/* The fleet as a whole: its start and end, its lock, its calendar, its watcher, its counts. */

enum { DAY_S = 86400 };

void fleet_read_lock(struct fleet *f)
{
    pthread_rwlock_rdlock(&f->lock);
}

void fleet_write_lock(struct fleet *f)
{
    pthread_rwlock_wrlock(&f->lock);
}

void fleet_unlock(struct fleet *f)
{
    pthread_rwlock_unlock(&f->lock);
}

void fleet_out_of_memory(void)
{
    log_event(LOG_ERROR, "out_of_memory", "part=fleet");
    log_flush();
    abort();
}

static void leftovers_init(struct leftovers *left)
{
    *left = (struct leftovers){ roaring_bitmap_create(), roaring_bitmap_create() };
    if (!left->devices || !left->with_events)
        fleet_out_of_memory();
}

enum mu_err fleet_create(struct fleet **out)
{
    struct fleet *f = calloc(1, sizeof(*f));
    pthread_rwlockattr_t attr;

    if (!f)
        return MU_E_NOMEM;
    random_bytes(&f->key, sizeof(f->key));
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&f->lock, &attr);
    pthread_rwlockattr_destroy(&attr);

    pthread_mutex_init(&f->order_lock, NULL);

    history_init(&f->history);
    leftovers_init(&f->leftovers);
    points_init(&f->points, &f->key);
    catalog_init(f);
    fleet_tokens_init(f);
    fleet_groups_init(f);
    fleet_devices_init(f);
    users_init(&f->users);
    *out = f;
    return MU_OK;
}

void fleet_destroy(struct fleet *f)
{
    if (!f)
        return;
    users_free(&f->users);
    fleet_apps_free(f);
    history_free(&f->history);
    roaring_bitmap_free(f->leftovers.devices);
    roaring_bitmap_free(f->leftovers.with_events);
    place_order_free(&f->place_order);
    fleet_devices_free(f);
    fleet_groups_free(f);
    fleet_tokens_free(f);
    catalog_free(f);
    points_free(&f->points);
    pool_destroy(&f->pool);
    pthread_mutex_destroy(&f->order_lock);
    pthread_rwlock_destroy(&f->lock);
    free(f);
}

void fleet_keep_quotas(struct fleet *f, struct quota_file *quotas, struct quota_file *granted)
{
    f->quotas = quotas;
    f->granted = granted;
}

void fleet_use_calendar(struct fleet *f, const struct calendar *calendar)
{
    assert(!f->history.activated.count); /* their days are of the calendar of that time */
    f->calendar = calendar;
}

int32_t fleet_day(const struct fleet *f, uint32_t unix_s)
{
    return f->calendar ? calendar_day(f->calendar, unix_s) : (int32_t)(unix_s / DAY_S);
}

int64_t fleet_day_start(const struct fleet *f, int32_t day)
{
    return f->calendar ? calendar_day_start(f->calendar, day) : (int64_t)day * DAY_S;
}

void fleet_watch_disabled(struct fleet *f, void (*fn)(void *ctx, uint32_t device), void *ctx)
{
    fleet_write_lock(f);
    f->disabled_online = fn;
    f->disabled_online_ctx = ctx;
    fleet_unlock(f);
}

uint32_t fleet_product_end(const struct fleet *f)
{
    return f->products.count;
}

uint32_t fleet_app_end(const struct fleet *f)
{
    return f->apps.count;
}

const struct columns *fleet_columns(const struct fleet *f)
{
    return &f->columns;
}

const struct places *fleet_places(const struct fleet *f)
{
    return &f->places;
}

const struct pool *fleet_pool(const struct fleet *f)
{
    return &f->pool;
}

const struct points *fleet_points(const struct fleet *f)
{
    return &f->points;
}

const struct users *fleet_users(const struct fleet *f)
{
    return &f->users;
}

const struct history *fleet_history(const struct fleet *f)
{
    return &f->history;
}

struct day_sets *fleet_active_sets(struct fleet *f)
{
    return &f->history.active;
}

struct leftovers *fleet_leftovers(struct fleet *f)
{
    return &f->leftovers;
}

void fleet_count(struct fleet *f, struct fleet_counts *out)
{
    fleet_read_lock(f);
    *out = (struct fleet_counts){
        .products = f->product_count,
        .enterprises = f->enterprise_count,
        .devices = f->device_count,
        .online = f->online_count,
        .tokens = f->token_count,
        .unusable_states = f->unusable_states,
    };
    fleet_unlock(f);
}
