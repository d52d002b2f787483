#include "access/access_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "access/access_loop.h"
#include "access/end_order.h"
#include "access/session.h"
#include "base/clock.h"
#include "base/log.h"

/* The device side as a whole: its parts, the connections that it takes, its figures, its end. */

static struct access_loop *on_loop(struct access *a, struct loop *loop)
{
    return a->loops[loop_index(loop)];
}

static void tell_refusal(struct access *a, const struct access_caller *who, enum refusal_reason why)
{
    struct watch_event e = { .kind = WATCH_REFUSAL,
                             .ts_us = clock_wall_us(),
                             .product = who->product,
                             .peer = who->peer,
                             .reason = refusal_text(why) };
    bool by_mac = refusal_door(why) == DOOR_REGISTRATION;

    str_copy(by_mac ? e.mac : e.did, by_mac ? sizeof(e.mac) : sizeof(e.did), who->name);
    watch_tell_one(a->options.watch, &e);
}

void access_refused(struct access *a, const struct access_caller *who, enum refusal_reason why)
{
    char address[IP_TEXT_SIZE];

    ip_text(&who->peer, address);
    refusals_note(a->refusals, who->name.len ? who->name : str_of(address), who->known, &who->peer, refusal_text(why),
                  clock_wall_s());
    access_count(&a->refused[why], 1);
    if (watch_is_on(a->options.watch))
        tell_refusal(a, who, why);
}

/* --- connections -------------------------------------------------------------------------------*/

/* Why the peer may not connect; REFUSAL_COUNT: it may. */
static enum refusal_reason admit(struct access *a, const struct ip_addr *peer)
{
    if (!seats_take(&a->seats))
        return REFUSED_SEATS;
    if (rate_table_take_address(a->address_connections, peer, clock_mono_us()))
        return REFUSAL_COUNT;
    seats_leave(&a->seats);
    return REFUSED_SEATS_OF_ADDRESS;
}

void access_mqtt_accept(void *access, struct loop *loop, int fd, const struct transport *via,
                        const struct sockaddr *peer)
{
    struct access *a = access;
    struct access_loop *home = on_loop(a, loop);
    struct access_caller who = { 0 };
    uint32_t suppressed;

    if (atomic_load(&a->stopping)) {
        close(fd);
        return;
    }
    ip_of_sockaddr(peer, &who.peer);
    enum refusal_reason why = admit(a, &who.peer);
    if (why == REFUSAL_COUNT) {
        session_open(home, fd, via);
        return;
    }
    access_refused(a, &who, why);
    if (access_loop_may_log(home, &suppressed)) {
        char text[IP_TEXT_SIZE];
        ip_text(&who.peer, text);
        log_event(LOG_INFO, "connection_refused", "peer=%s limit=%s suppressed=%u", text,
                  why == REFUSED_SEATS ? "connections" : "address", suppressed);
    }
    close(fd); /* last, so that whoever sees the end also finds it counted and logged */
}

/* --- ending a session from elsewhere -----------------------------------------------------------*/

static enum mu_err order_end(struct access *a, uint32_t device, enum end_reason reason)
{
    session_handle handle = session_table_get(a->table, device);

    if (handle == 0)
        return MU_E_OFFLINE;
    struct end_order *order = end_order_create();
    if (!order)
        return MU_E_NOMEM;
    end_order_send(order, a, handle, reason);
    return MU_OK;
}

void access_order_end(struct access *a, uint32_t device, enum end_reason reason)
{
    if (order_end(a, device, reason) == MU_E_NOMEM)
        log_event(LOG_ERROR, "session_not_ended", "reason=\"%s\"", mu_err_text(MU_E_NOMEM));
}

/* Called by the fleet when a device that is online has been disabled. */
static void end_disabled(void *ctx, uint32_t device)
{
    access_order_end(ctx, device, END_RESET);
}

enum mu_err access_end_session(struct access *a, uint32_t device, enum end_reason reason)
{
    struct access_session after;
    enum mu_err err = order_end(a, device, reason);

    if (err != MU_OK)
        return err;
    /* A loop takes its mail in order: when it answers this question, it has ended the session. */
    (void)!access_find_session(a, device, &after);
    return MU_OK;
}

/* --- figures -----------------------------------------------------------------------------------*/

static void add_counters(struct access_figures *out, const struct access_counters *c)
{
    out->sessions += atomic_load_explicit(&c->sessions, memory_order_relaxed);
    out->connections += atomic_load_explicit(&c->connections, memory_order_relaxed);
    out->logins += atomic_load_explicit(&c->logins, memory_order_relaxed);
    out->takeovers += atomic_load_explicit(&c->takeovers, memory_order_relaxed);
    out->slowdowns += atomic_load_explicit(&c->slowdowns, memory_order_relaxed);
    out->messages_in += atomic_load_explicit(&c->messages_in, memory_order_relaxed);
    out->messages_out += atomic_load_explicit(&c->messages_out, memory_order_relaxed);
    out->bytes_in += atomic_load_explicit(&c->bytes_in, memory_order_relaxed);
    out->bytes_out += atomic_load_explicit(&c->bytes_out, memory_order_relaxed);
    out->pings += atomic_load_explicit(&c->pings, memory_order_relaxed);
    for (int i = 0; i < DROP_COUNT; i++)
        out->dropped[i] += atomic_load_explicit(&c->dropped[i], memory_order_relaxed);
    for (int i = 0; i < END_REASON_COUNT; i++)
        out->ends[i] += atomic_load_explicit(&c->ends[i], memory_order_relaxed);
    out->registrations += atomic_load_explicit(&c->registrations, memory_order_relaxed);
}

void access_get_figures(struct access *a, struct access_figures *out)
{
    *out = (struct access_figures){ 0 };
    add_counters(out, &a->counters);
    for (unsigned i = 0; i < a->options.loop_count; i++)
        add_counters(out, &a->loops[i]->counters);
    for (int i = 0; i < REFUSAL_COUNT; i++)
        out->refused[i] = atomic_load_explicit(&a->refused[i], memory_order_relaxed);
}

/* --- beginning and end -------------------------------------------------------------------------*/

static enum mu_err create_parts(struct access *a, char *why, size_t why_size)
{
    const struct access_options *o = &a->options;
    enum mu_err err;

    if ((err = session_table_create(&a->table)) != MU_OK || (err = refusals_create(&a->refusals)) != MU_OK ||
        (err = rate_table_create(&a->address_connections, o->address_connections)) != MU_OK ||
        (err = rate_table_create(&a->address_registrations, o->address_registrations)) != MU_OK ||
        (err = rate_table_create(&a->product_registrations, o->product_registrations)) != MU_OK ||
        (err = guesses_create(&a->guesses, o->address_guesses, o->device_guesses, a->table)) != MU_OK)
        return err;
    if (!(a->loops = calloc(o->loop_count, sizeof(*a->loops))))
        return MU_E_NOMEM;
    for (unsigned i = 0; i < o->loop_count; i++) {
        unsigned index = loop_index(o->loops[i]);
        if ((err = access_loop_create(&a->loops[index], a, o->loops[i])) != MU_OK)
            return err;
    }
    if (!o->geoip_db)
        return MU_OK;
    struct locator_options locating = {
        .geoip_db = o->geoip_db, .registry = o->registry, .committer = o->committer, .workers = o->workers
    };
    return locator_create(&a->locator, &locating, why, why_size);
}

enum mu_err access_create(struct access **out, const struct access_options *options, char *why, size_t why_size)
{
    struct access *a = calloc(1, sizeof(*a));

    *out = NULL;
    snprintf(why, why_size, "out of memory");
    if (!a)
        return MU_E_NOMEM;
    a->options = *options;
    if (!a->options.mqtt_packet_max || a->options.mqtt_packet_max > LIMIT_MQTT_PACKET)
        a->options.mqtt_packet_max = LIMIT_MQTT_PACKET;
    a->seats.max = options->mqtt_connections_max ? options->mqtt_connections_max : UINT32_MAX;
    if (!a->options.keep_alive_max)
        a->options.keep_alive_max = UINT16_MAX;
    /* Session numbers grow across restarts, so that a record of an earlier run never looks newer. */
    a->last_session = (uint64_t)clock_wall_us();
    for (int i = 0; i < LOGIN_GROUPS; i++)
        pthread_mutex_init(&a->login_groups[i].lock, NULL);
    pthread_mutex_init(&a->shutdown_lock, NULL);
    pthread_cond_init(&a->loop_emptied, NULL);
    access_control_init(a);
    access_dev_init(a);

    enum mu_err err = create_parts(a, why, why_size);
    if (err != MU_OK) {
        access_destroy(a);
        return err;
    }
    fleet_watch_disabled(a->options.fleet, end_disabled, a);
    *out = a;
    return MU_OK;
}

void access_shutdown(struct access *a, enum end_reason reason)
{
    atomic_store(&a->stopping, true);
    pthread_mutex_lock(&a->shutdown_lock);
    a->loops_to_empty = a->options.loop_count;
    pthread_mutex_unlock(&a->shutdown_lock);
    for (unsigned i = 0; i < a->options.loop_count; i++)
        access_loop_post_empty(a->loops[i], reason);
    pthread_mutex_lock(&a->shutdown_lock);
    while (a->loops_to_empty)
        pthread_cond_wait(&a->loop_emptied, &a->shutdown_lock);
    pthread_mutex_unlock(&a->shutdown_lock);
}

void access_destroy(struct access *a)
{
    if (!a)
        return;
    for (unsigned i = 0; a->loops && i < a->options.loop_count; i++)
        access_loop_destroy(a->loops[i]);
    free(a->loops);
    locator_destroy(a->locator);
    rate_table_destroy(a->address_connections);
    rate_table_destroy(a->address_registrations);
    rate_table_destroy(a->product_registrations);
    guesses_destroy(a->guesses);
    session_table_destroy(a->table);
    refusals_destroy(a->refusals);
    for (int i = 0; i < LOGIN_GROUPS; i++)
        pthread_mutex_destroy(&a->login_groups[i].lock);
    pthread_cond_destroy(&a->loop_emptied);
    pthread_mutex_destroy(&a->shutdown_lock);
    free(a);
}
