#include <assert.h>
#include <stdio.h>

#include "serve/server.h"

/* Binds the listeners. They are bound early (while the process may still be root), before the parts that they feed
 * exist. The loops, which accept, start when all parts exist. */

static void accept_http(void *ctx, struct loop *loop, int fd, const struct transport *via, const struct sockaddr *peer)
{
    struct server *s = ctx;
    http_server_accept(s->public_http, loop, fd, via, peer);
}

static void accept_ops(void *ctx, struct loop *loop, int fd, const struct transport *via, const struct sockaddr *peer)
{
    struct server *s = ctx;
    http_server_accept(s->ops_http, loop, fd, via, peer);
}

static void accept_mqtt(void *ctx, struct loop *loop, int fd, const struct transport *via, const struct sockaddr *peer)
{
    struct server *s = ctx;
    access_mqtt_accept(s->access, loop, fd, via, peer);
}

static const struct {
    const char *setting;
    bool tls;
    listener_accept accept;
} listener_kinds[LISTENER_COUNT] = {
    [LISTEN_HTTP] = { "http", false, accept_http }, [LISTEN_HTTPS] = { "https", true, accept_http },
    [LISTEN_MQTT] = { "mqtt", false, accept_mqtt }, [LISTEN_MQTTS] = { "mqtts", true, accept_mqtt },
    [LISTEN_OPS] = { "ops", false, accept_ops },
};

enum mu_err server_read_address(struct server *s, enum server_listener i)
{
    assert(i < LISTENER_COUNT);
    const char *name = listener_kinds[i].setting, *text = setting_text(s->settings, name);

    if (!text)
        return MU_OK;
    if (listener_kinds[i].tls && !setting_text(s->settings, "tls-cert"))
        snprintf(s->why, sizeof(s->why), "--%s needs --tls-cert and --tls-key", name);
    else if (net_address_parse(str_of(text), &s->addresses[i]) != MU_OK)
        snprintf(s->why, sizeof(s->why), "--%s: '%s' is not an address of the form ADDR:PORT", name, text);
    else
        return MU_OK;
    return MU_E_SYNTAX;
}

enum mu_err server_listen(struct server *s)
{
    for (int i = 0; i < LISTENER_COUNT; i++) {
        const char *name = listener_kinds[i].setting;
        char why[256];

        assert(!s->listeners[i]);
        if (!setting_text(s->settings, name))
            continue;
        struct listener_options options = { s->loops, s->loop_count, listener_kinds[i].accept, s,
                                            listener_kinds[i].tls ? tls_transport(s->tls) : NULL };
        enum mu_err err = listener_open(&s->listeners[i], &s->addresses[i], &options, why, sizeof(why));
        if (err != MU_OK) {
            snprintf(s->why, sizeof(s->why), "--%s %s", name, why);
            return err;
        }
    }
    return MU_OK;
}

void server_print_ready(const struct server *s)
{
    char text[NET_ADDRESS_TEXT];

    printf("muster ready");
    for (int i = 0; i < LISTENER_COUNT; i++)
        if (s->listeners[i]) {
            net_address_text(&s->addresses[i], text);
            printf(" %s=%s", listener_kinds[i].setting, text);
        }
    printf("\n");
    fflush(stdout);
}
