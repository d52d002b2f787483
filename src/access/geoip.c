#include "access/geoip.h"

#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a city database in MaxMind's format. */

struct geoip {
    MMDB_s db;
};

enum mu_err geoip_open(struct geoip **out, const char *file, char *why, size_t why_size)
{
    struct geoip *g = calloc(1, sizeof(*g));

    *out = NULL;
    if (!g) {
        snprintf(why, why_size, "out of memory");
        return MU_E_NOMEM;
    }
    int status = MMDB_open(file, MMDB_MODE_MMAP, &g->db);
    if (status != MMDB_SUCCESS) {
        snprintf(why, why_size, "--geoip-db %s: %s", file, MMDB_strerror(status));
        free(g);
        return MU_E_SYNTAX;
    }
    *out = g;
    return MU_OK;
}

void geoip_close(struct geoip *g)
{
    if (!g)
        return;
    MMDB_close(&g->db);
    free(g);
}

static void read_name(MMDB_entry_s *entry, const char *const *path, char out[PLACE_NAME_SIZE])
{
    MMDB_entry_data_s data;

    out[0] = '\0';
    if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING)
        return;
    struct str name = { data.utf8_string, data.data_size };
    if (!str_utf8(name) || !str_copy(out, PLACE_NAME_SIZE, name))
        out[0] = '\0';
}

static bool read_double(MMDB_entry_s *entry, const char *const *path, double *out)
{
    MMDB_entry_data_s data;

    if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data || data.type != MMDB_DATA_TYPE_DOUBLE)
        return false;
    *out = data.double_value;
    return true;
}

bool geoip_find(const struct geoip *g, const struct ip_addr *ip, struct geoip_place *out)
{
    static const char *const country[] = { "country", "names", "en", NULL };
    static const char *const region[] = { "subdivisions", "0", "names", "en", NULL };
    static const char *const city[] = { "city", "names", "en", NULL };
    static const char *const longitude[] = { "location", "longitude", NULL };
    static const char *const latitude[] = { "location", "latitude", NULL };
    /* The database keeps IPv4 networks under ::/96, not under ::ffff:0:0/96. */
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    const struct sockaddr *sa;
    int error;

    memcpy(&v6.sin6_addr, ip->bytes, sizeof(v6.sin6_addr));
    memcpy(&v4.sin_addr, ip->bytes + 12, sizeof(v4.sin_addr));
    sa = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&g->db, sa, &error);
    if (error != MMDB_SUCCESS || !found.found_entry)
        return false;

    *out = (struct geoip_place){ 0 };
    read_name(&found.entry, country, out->place.country);
    read_name(&found.entry, region, out->place.region);
    read_name(&found.entry, city, out->place.city);
    out->has_coordinates =
        read_double(&found.entry, longitude, &out->longitude) && read_double(&found.entry, latitude, &out->latitude);
    return out->place.country[0] || out->place.region[0] || out->place.city[0] || out->has_coordinates;
}
