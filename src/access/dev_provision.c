#include "access/dev_http.h"

#include "base/clock.h"

#define HOST_SIZE 254 /* the longest name that DNS allows */

static bool is_host_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == '_' || c == ':';
}

/* Host and port as a client writes them, such as "[::1]:8080"; false if the text is not of that form. The answer is a
 * form that repeats the host, so the host may contain nothing that has a meaning in a form. */
static bool split_host(struct str text, struct str *host, int64_t *port)
{
    const char *colon;

    *host = text;
    if (text.len && text.at[0] == '[') {
        const char *end = memchr(text.at, ']', text.len);
        if (!end)
            return false;
        *host = (struct str){ text.at + 1, (size_t)(end - text.at) - 1 };
        colon = end + 1 < text.at + text.len ? end + 1 : NULL;
        if (colon && *colon != ':')
            return false;
    } else {
        colon = text.len ? memchr(text.at, ':', text.len) : NULL;
        if (colon)
            host->len = (size_t)(colon - text.at);
    }
    if (colon && !str_int64((struct str){ colon + 1, text.len - (size_t)(colon + 1 - text.at) }, port))
        return false;
    if (host->len == 0 || host->len >= HOST_SIZE)
        return false;
    for (size_t i = 0; i < host->len; i++) {
        if (!is_host_char(host->at[i]))
            return false;
    }
    return true;
}

void dev_provision(struct http_exchange *ex)
{
    struct access *a = ex->ctx;
    const char *advertised = a->options.mqtt_advertise;
    struct fleet_login known;
    struct str host;
    int64_t port = 0;

    if (!fleet_login_find(a->options.fleet, ex->req.captures[0], &known)) {
        dev_refuse_did(ex, ex->req.captures[0], REFUSED_PROVISION_DID);
        return;
    }
    if (!split_host(advertised ? str_of(advertised) : ex->req.host, &host, &port)) {
        dev_answer(ex, 400, "Host is missing or malformed");
        return;
    }
    if (!advertised)
        port = a->options.mqtt_port;
    /* A firmware crashes unless an '&' follows host, port and server_ts. */
    dev_answer(ex, 200, "host=%.*s&port=%d&server_ts=%lld&log_host=%.*s&log_port=%d&log_switch=0", (int)host.len,
               host.at, (int)port, (long long)clock_wall_s(), (int)host.len, host.at, (int)port);
}
