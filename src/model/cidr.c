#include "model/cidr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Internet addresses and networks: reading, writing and comparing them. */

#define MAPPED_BITS 96
static const uint8_t mapped_prefix[MAPPED_BITS / 8] = { [10] = 0xff, [11] = 0xff };

static bool is_mapped(const struct ip_addr *ip)
{
    return memcmp(ip->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static void map_v4(struct ip_addr *out, const void *v4)
{
    memcpy(out->bytes, mapped_prefix, sizeof(mapped_prefix));
    memcpy(out->bytes + sizeof(mapped_prefix), v4, 4);
}

void ip_of_sockaddr(const struct sockaddr *sa, struct ip_addr *out)
{
    memset(out, 0, sizeof(*out));
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof(in));
        map_v4(out, &in.sin_addr);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof(in6));
        memcpy(out->bytes, &in6.sin6_addr, sizeof(out->bytes));
    }
}

enum mu_err ip_parse(struct str text, struct ip_addr *out)
{
    char copy[IP_TEXT_SIZE];
    struct in_addr v4;
    struct in6_addr v6;

    if (!str_copy(copy, sizeof(copy), text))
        return MU_E_SYNTAX;
    if (inet_pton(AF_INET, copy, &v4) == 1) {
        map_v4(out, &v4);
        return MU_OK;
    }
    if (inet_pton(AF_INET6, copy, &v6) == 1) {
        memcpy(out->bytes, &v6, sizeof(out->bytes));
        return MU_OK;
    }
    return MU_E_SYNTAX;
}

void ip_text(const struct ip_addr *ip, char out[IP_TEXT_SIZE])
{
    if (is_mapped(ip))
        inet_ntop(AF_INET, ip->bytes + sizeof(mapped_prefix), out, IP_TEXT_SIZE);
    else
        inet_ntop(AF_INET6, ip->bytes, out, IP_TEXT_SIZE);
}

bool ip_is_loopback(const struct ip_addr *ip)
{
    static const struct ip_addr v6_loopback = { .bytes = { [15] = 1 } };

    if (is_mapped(ip))
        return ip->bytes[sizeof(mapped_prefix)] == 127;
    return memcmp(ip, &v6_loopback, sizeof(*ip)) == 0;
}

struct ip_addr ip_network(const struct ip_addr *ip)
{
    struct ip_addr network = *ip;

    if (!is_mapped(ip))
        memset(network.bytes + 8, 0, 8);
    return network;
}

enum mu_err cidr_parse(struct str text, struct cidr *out)
{
    const char *slash = memchr(text.at, '/', text.len);
    struct str address = { text.at, slash ? (size_t)(slash - text.at) : text.len };
    bool v4 = !memchr(address.at, ':', address.len);
    int64_t most = v4 ? 32 : 128, bits = most;
    struct cidr c;

    if (ip_parse(address, &c.net) != MU_OK)
        return MU_E_SYNTAX;
    if (slash) {
        struct str prefix = { slash + 1, text.len - address.len - 1 };
        if (!str_int64(prefix, &bits) || prefix.at[0] == '-' || bits > most)
            return MU_E_SYNTAX;
    }
    /* 0.0.0.0/0 stands for "everybody", whatever the address family. */
    if (v4)
        bits = bits == 0 ? 0 : bits + MAPPED_BITS;
    c.bits = (uint8_t)bits;
    *out = c;
    return MU_OK;
}

void cidr_text(const struct cidr *net, char out[CIDR_TEXT_SIZE])
{
    char address[IP_TEXT_SIZE];
    bool v4 = is_mapped(&net->net) && (net->bits == 0 || net->bits >= MAPPED_BITS);

    if (v4)
        ip_text(&net->net, address);
    else
        inet_ntop(AF_INET6, net->net.bytes, address, sizeof(address));
    snprintf(out, CIDR_TEXT_SIZE, "%s/%d", address, v4 && net->bits ? net->bits - MAPPED_BITS : net->bits);
}

bool cidr_contains(const struct cidr *net, const struct ip_addr *ip)
{
    size_t whole = net->bits / 8;
    unsigned rest = net->bits % 8;

    if (memcmp(net->net.bytes, ip->bytes, whole) != 0)
        return false;
    return rest == 0 || (net->net.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

bool cidr_any_contains(const struct cidr *nets, size_t count, const struct ip_addr *ip)
{
    for (size_t i = 0; i < count; i++) {
        if (cidr_contains(&nets[i], ip))
            return true;
    }
    return false;
}
