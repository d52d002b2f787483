#ifndef MUSTER_ACCESS_GEOIP_H
#define MUSTER_ACCESS_GEOIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "model/cidr.h"
#include "registry/rows.h"

/* A city database in MaxMind's format. Any thread once it is open; looking up may wait for the disk,
 * so not on a loop. */
struct geoip;

MU_MUST_USE enum mu_err geoip_open(struct geoip **out, const char *file, char *why, size_t why_size);
void geoip_close(struct geoip *g);

struct geoip_place {
    struct place place; /* English names; "" where there is none */
    bool has_coordinates;
    double longitude, latitude;
};
/* false if the database knows nothing of the address. */
bool geoip_find(const struct geoip *g, const struct ip_addr *ip, struct geoip_place *out);

#endif
