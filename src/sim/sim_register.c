#include "sim/sim_register.h"

#include <stdio.h>
#include <string.h>

void sim_register_request(struct sim_device *d)
{
    struct buf *b = &d->scratch;
    char body[256];

    buf_clear(b);
    if (d->step == SIM_REGISTER) {
        snprintf(body, sizeof(body), "passcode=%s&mac=%s&product_key=%s", d->passcode, d->mac, d->options->product_key);
        buf_printf(b,
                   "POST /dev/devices HTTP/1.1\r\nHost: %s\r\nContent-Type: "
                   "application/x-www-form-urlencoded\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   d->options->http_host, strlen(body), body);
    } else {
        buf_printf(b, "GET /dev/devices/%s HTTP/1.1\r\nHost: %s\r\n\r\n", d->did, d->options->http_host);
    }
    if (b->err != MU_OK || conn_write(&d->conn, b->data, b->len) != MU_OK)
        conn_close(&d->conn);
}

/* The value of "name=…&" in a form body, in a terminated copy; false if it is not there. */
static bool form_value(struct str body, const char *name, char *out, size_t size)
{
    size_t n = strlen(name);

    while (body.len) {
        const char *end = memchr(body.at, '&', body.len);
        size_t len = end ? (size_t)(end - body.at) : body.len;
        if (len > n && memcmp(body.at, name, n) == 0 && body.at[n] == '=')
            return str_copy(out, size, (struct str){ body.at + n + 1, len - n - 1 });
        body.at += len + (end != NULL);
        body.len -= len + (end != NULL);
    }
    return false;
}

static bool handle_answer(struct sim_device *d, int status, struct str body)
{
    char did[DID_LEN + 1], host[64], port[8], address[80];
    struct net_address broker;

    if (d->step == SIM_REGISTER) {
        if (status != 201 || !form_value(body, "did", did, sizeof(did)) || strlen(did) != DID_LEN)
            return false;
        sim_device_registered(d, did);
        return true;
    }
    if (status != 200 || !form_value(body, "host", host, sizeof(host)) || !form_value(body, "port", port, sizeof(port)))
        return false;
    int n = snprintf(address, sizeof(address), strchr(host, ':') && host[0] != '[' ? "[%s]:%s" : "%s:%s", host, port);
    if (d->options->has_mqtt)
        broker = d->options->mqtt;
    else if (net_address_parse((struct str){ address, (size_t)n }, &broker) != MU_OK)
        return false;
    sim_device_provisioned(d, &broker);
    return true;
}

/* Where the value of Content-Length begins; NULL if it is not there. A proxy may write the name in small letters. */
static const char *content_length(const char *head, const char *end)
{
    struct str name = STR("Content-Length:");

    for (const char *at = head; (at = memmem(at, (size_t)(end - at), "\r\n", 2));) {
        at += 2;
        if ((size_t)(end - at) > name.len && str_eq_nocase((struct str){ at, name.len }, name))
            return at + name.len;
    }
    return NULL;
}

/* The answer must be there whole, head and body, before it counts; how it is cut does not matter
 * here (the tests of the server look at that). */
size_t sim_register_data(struct sim_device *d, const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;
    const char *end = memmem(text, len, "\r\n\r\n", 4);
    const char *length = end ? content_length(text, end) : NULL;
    int status;
    size_t body_len = 0;

    if (!end)
        return 0;
    if (length)
        for (const char *p = length; p < end && (*p == ' ' || (*p >= '0' && *p <= '9')); p++)
            if (*p != ' ' && body_len < len)
                body_len = body_len * 10 + (size_t)(*p - '0');
    size_t head_len = (size_t)(end + 4 - text);
    if (len - head_len < body_len)
        return 0;
    if (!length || len < 12 || !str_starts((struct str){ text, len }, STR("HTTP/1.1 ")) ||
        (status = (text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0')) < 100 ||
        !handle_answer(d, status, (struct str){ end + 4, body_len }))
        conn_close(&d->conn);
    return len;
}
