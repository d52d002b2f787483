#include "net/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

#define HOST_SIZE 256 /* the longest name that DNS allows, and its terminator */

/* Splits at the last colon. An IPv6 address must stand in brackets, or its last group would look like a port. */
static bool split(struct str text, char host[HOST_SIZE], int64_t *port)
{
    const char *colon = memrchr(text.at, ':', text.len);
    if (!colon)
        return false;

    struct str name = { text.at, (size_t)(colon - text.at) };
    struct str digits = { colon + 1, text.len - name.len - 1 };
    if (name.len > 2 && name.at[0] == '[' && name.at[name.len - 1] == ']') {
        name = (struct str){ name.at + 1, name.len - 2 };
        if (!memchr(name.at, ':', name.len))
            return false;
    } else if (memchr(name.at, ':', name.len) || memchr(name.at, '[', name.len)) {
        return false;
    }
    return name.len > 0 && str_copy(host, HOST_SIZE, name) && str_int64(digits, port) && *port >= 0 &&
           *port <= UINT16_MAX;
}

static void set_port(struct net_address *a, uint16_t port)
{
    if (a->sa.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&a->sa)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)&a->sa)->sin_port = htons(port);
}

enum mu_err net_address_parse(struct str text, struct net_address *out)
{
    char host[HOST_SIZE];
    int64_t port;

    if (!text.len || !split(text, host, &port))
        return MU_E_SYNTAX;

    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return MU_E_NOT_FOUND;

    struct addrinfo *best = list;
    for (struct addrinfo *i = list; i; i = i->ai_next) {
        if (i->ai_family == AF_INET) {
            best = i;
            break;
        }
    }
    *out = (struct net_address){ .len = best->ai_addrlen };
    memcpy(&out->sa, best->ai_addr, best->ai_addrlen);
    freeaddrinfo(list);
    set_port(out, (uint16_t)port);
    return MU_OK;
}

void net_address_text(const struct net_address *a, char out[NET_ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (a->sa.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&a->sa)->sin6_addr, host, sizeof(host));
        snprintf(out, NET_ADDRESS_TEXT, "[%s]:%u", host, net_address_port(a));
    } else {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)&a->sa)->sin_addr, host, sizeof(host));
        snprintf(out, NET_ADDRESS_TEXT, "%s:%u", host, net_address_port(a));
    }
}

uint16_t net_address_port(const struct net_address *a)
{
    if (a->sa.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&a->sa)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&a->sa)->sin_port);
}
