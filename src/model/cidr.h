#ifndef MUSTER_MODEL_CIDR_H
#define MUSTER_MODEL_CIDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/text.h"

/* Internet addresses and networks. An IPv4 address is kept as its v4-mapped IPv6 form, so that a
 * client on a dual-stack socket and one on an IPv4 socket are the same client. */
struct ip_addr {
    uint8_t bytes[16];
};
struct cidr {
    struct ip_addr net;
    uint8_t bits; /* of 128 */
};

#define IP_TEXT_SIZE 46

void ip_of_sockaddr(const struct sockaddr *sa, struct ip_addr *out); /* others than IP: all zero */
MU_MUST_USE enum mu_err ip_parse(struct str text, struct ip_addr *out);
void ip_text(const struct ip_addr *ip, char out[IP_TEXT_SIZE]); /* v4-mapped as dotted quad */
bool ip_is_loopback(const struct ip_addr *ip);
/* What one customer of a network has: an IPv4 address, or of an IPv6 address the /64. */
struct ip_addr ip_network(const struct ip_addr *ip);

/* "10.0.0.0/8", "2001:db8::/32", or an address alone. "0.0.0.0/0" is every IPv4 address, and (as
 * the "no restriction" that it is meant to be) every IPv6 one too. Host bits may be set. */
MU_MUST_USE enum mu_err cidr_parse(struct str text, struct cidr *out);
#define CIDR_TEXT_SIZE (IP_TEXT_SIZE + 4)
/* As cidr_parse reads it. */
void cidr_text(const struct cidr *net, char out[CIDR_TEXT_SIZE]);
bool cidr_contains(const struct cidr *net, const struct ip_addr *ip);
bool cidr_any_contains(const struct cidr *nets, size_t count, const struct ip_addr *ip);

#endif
