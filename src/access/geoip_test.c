#include "base/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/geoip.h"
#include "base/buf.h"

/* Brings a database of its own: one IPv4 network, in the format that MaxMind publishes ("MaxMind DB
 * file format specification 2.0"). */

enum {
    TYPE_TEXT = 2,
    TYPE_DOUBLE = 3,
    TYPE_U16 = 5,
    TYPE_U32 = 6,
    TYPE_MAP = 7,
    TYPE_U64 = 9,
    TYPE_ARRAY = 11,
};

static void put_control(struct buf *b, unsigned type, size_t size)
{
    buf_append_u8(b, (uint8_t)((type > 7 ? 0 : type) << 5 | size));
    if (type > 7)
        buf_append_u8(b, (uint8_t)(type - 7));
}

static void put_text(struct buf *b, const char *text)
{
    put_control(b, TYPE_TEXT, strlen(text));
    buf_append_str(b, text);
}

static void put_double(struct buf *b, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    put_control(b, TYPE_DOUBLE, 8);
    buf_append_u64be(b, bits);
}

static void put_named(struct buf *b, const char *key, const char *name)
{
    put_text(b, key);
    put_control(b, TYPE_MAP, 1);
    put_text(b, "names");
    put_control(b, TYPE_MAP, 2);
    put_text(b, "en");
    put_text(b, name);
    put_text(b, "de");
    put_text(b, "anders");
}

static void put_place(struct buf *b)
{
    put_control(b, TYPE_MAP, 4);
    put_named(b, "country", "China");
    put_named(b, "city", "Guangzhou");
    put_text(b, "subdivisions");
    put_control(b, TYPE_ARRAY, 1);
    put_control(b, TYPE_MAP, 1);
    put_text(b, "names");
    put_control(b, TYPE_MAP, 1);
    put_text(b, "en");
    put_text(b, "Guangdong");
    put_text(b, "location");
    put_control(b, TYPE_MAP, 2);
    put_text(b, "longitude");
    put_double(b, 113.25);
    put_text(b, "latitude");
    put_double(b, 23.125);
}

/* A small number; its leading zeros may be left out. */
static void put_number(struct buf *b, const char *key, unsigned type, uint8_t v)
{
    put_text(b, key);
    put_control(b, type, 1);
    buf_append_u8(b, v);
}

#define NODES 8 /* one per bit of the network's first byte */

static void put_record(struct buf *b, uint32_t v)
{
    buf_append_u8(b, (uint8_t)(v >> 16));
    buf_append_u16be(b, (uint16_t)v);
}

static void put_tree(struct buf *b, uint8_t network)
{
    for (uint32_t i = 0; i < NODES; i++) {
        uint32_t next = i + 1 < NODES ? i + 1 : NODES + 16; /* the first place of the data */
        bool right = network >> (7 - i) & 1;
        put_record(b, right ? NODES : next);
        put_record(b, right ? next : NODES);
    }
}

static void put_metadata(struct buf *b)
{
    buf_append(b, "\xab\xcd\xefMaxMind.com", 14);
    put_control(b, TYPE_MAP, 9);
    put_number(b, "node_count", TYPE_U32, NODES);
    put_number(b, "record_size", TYPE_U16, 24);
    put_number(b, "ip_version", TYPE_U16, 4);
    put_number(b, "binary_format_major_version", TYPE_U16, 2);
    put_number(b, "binary_format_minor_version", TYPE_U16, 0);
    put_number(b, "build_epoch", TYPE_U64, 1);
    put_text(b, "database_type");
    put_text(b, "Test-City");
    put_text(b, "description");
    put_control(b, TYPE_MAP, 0);
    put_text(b, "languages");
    put_control(b, TYPE_ARRAY, 0);
}

static char dir[] = "/tmp/muster-geoip-XXXXXX", file[64];

static int setup(void **state)
{
    struct buf b;
    static const uint8_t gap[16];

    (void)state;
    buf_init(&b, 4096);
    put_tree(&b, 81);
    buf_append(&b, gap, sizeof(gap));
    put_place(&b);
    put_metadata(&b);
    if (b.err != MU_OK || !mkdtemp(dir))
        return -1;
    snprintf(file, sizeof(file), "%s/city.mmdb", dir);
    FILE *f = fopen(file, "wb");
    if (!f || fwrite(b.data, 1, b.len, f) != b.len || fclose(f) != 0)
        return -1;
    buf_free(&b);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(dir);
}

static bool find(const char *address, struct geoip_place *out)
{
    struct geoip *g;
    struct ip_addr ip;
    char why[200];

    assert_int_equal(geoip_open(&g, file, why, sizeof(why)), MU_OK);
    assert_int_equal(ip_parse(str_of(address), &ip), MU_OK);
    bool found = geoip_find(g, &ip, out);
    geoip_close(g);
    return found;
}

static void an_address_is_a_place(void **state)
{
    (void)state;
    struct geoip_place p;

    assert_true(find("81.2.69.142", &p));
    assert_string_equal(p.place.country, "China");
    assert_string_equal(p.place.region, "Guangdong");
    assert_string_equal(p.place.city, "Guangzhou");
    assert_true(p.has_coordinates);
    assert_true(p.longitude == 113.25);
    assert_true(p.latitude == 23.125);
}

static void an_address_that_is_not_in_the_database_is_nowhere(void **state)
{
    (void)state;
    struct geoip_place p;
    assert_false(find("82.2.69.142", &p));
    assert_false(find("2001:db8::1", &p));
}

static void a_file_that_is_no_database_is_named(void **state)
{
    (void)state;
    struct geoip *g;
    char why[200];

    assert_int_equal(geoip_open(&g, "/nonexistent/x.mmdb", why, sizeof(why)), MU_E_SYNTAX);
    assert_non_null(strstr(why, "/nonexistent/x.mmdb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_a_place),
        cmocka_unit_test(an_address_that_is_not_in_the_database_is_nowhere),
        cmocka_unit_test(a_file_that_is_no_database_is_named),
    };
    return cmocka_run_group_tests_name("geoip", tests, setup, teardown);
}
