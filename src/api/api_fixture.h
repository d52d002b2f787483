#ifndef MUSTER_API_API_FIXTURE_H
#define MUSTER_API_API_FIXTURE_H

/* What the tests of the API share: a fleet with a few rows, and requests without a connection. */

#include "base/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "base/clock.h"
#include "fleet/fleet_apply.h"
#include "registry/secret.h"

#define PRODUCT       "6f2e214bf2d79649232431b94a25f46a"
#define OTHER_PRODUCT "4244bf2d79694a259232431b6f2ef46a"
#define ENTERPRISE    "1f7ac0e5b7d64ad4a9e3d0c2b5a6f718"
#define SECRET        "9c41d6e0b83f4f0aa2f5e7d1c6b8a934"
#define TOKEN         "89d753a234ef42cd90f75da7489e78a4"
#define EXPIRED       "00d753a234ef42cd90f75da7489e78a4"
#define DEVICE        "kYkSE2xspYjocBhaUHdM5k"
#define OTHER_DEVICE  "cBYkSjoE2xspYMhaUHdk5k"
#define GROUP         "c8e4b5634b047dc495be4a05a39d02a3"
#define OTHER_GROUP   "d8e4b5634b047dc495be4a05a39d02a3"

struct api_fixture {
    struct fleet *fleet;
    struct registry_visitor rows;
    struct enterprise_row enterprise;
    struct api api; /* only the fleet is set in its parts */
    struct http_exchange ex;
    struct http_header headers[8];
    struct api_call call;
};

static inline void put_enterprise(struct api_fixture *f)
{
    assert_int_equal(f->rows.enterprise(f->rows.ctx, &f->enterprise), MU_OK);
}

static inline void put_product(struct api_fixture *f, uint32_t no, const char *key)
{
    struct product_row row = { .no = no, .remote_control = true };

    strcpy(row.product_key, key);
    assert_int_equal(f->rows.product(f->rows.ctx, &row), MU_OK);
}

static inline void put_token(struct api_fixture *f, const char *token, int64_t expires_at)
{
    struct token_row row = { .enterprise = 1, .product = 1, .expires_at = expires_at };

    secret_token_hash(str_of(token), row.hash);
    assert_int_equal(f->rows.token(f->rows.ctx, &row, false), MU_OK);
}

static inline void put_device(struct api_fixture *f, uint32_t no, uint32_t product, const char *did, const char *mac)
{
    struct device_row row = { .no = no, .product = product, .created_at = 1505789918 };

    strcpy(row.did, did);
    strcpy(row.mac, mac);
    strcpy(row.passcode, "123456");
    assert_int_equal(f->rows.device(f->rows.ctx, &row), MU_OK);
}

static inline void put_group(struct api_fixture *f, uint32_t no, uint32_t product, const char *gid)
{
    struct group_row row = { .no = no, .product = product };

    strcpy(row.gid, gid);
    assert_int_equal(f->rows.group(f->rows.ctx, &row), MU_OK);
}

static inline int fixture_setup(void **state)
{
    struct api_fixture *f = calloc(1, sizeof(*f));

    assert_int_equal(fleet_create(&f->fleet), MU_OK);
    f->rows = fleet_registry_visitor(f->fleet);
    f->enterprise =
        (struct enterprise_row){ .no = 1, .enterprise_id = ENTERPRISE, .hourly_quota = 3600, .secret_required = true };
    secret_hash(f->enterprise.secret_salt, str_of(SECRET), f->enterprise.secret_hash);
    put_enterprise(f);
    put_product(f, 1, PRODUCT);
    put_product(f, 2, OTHER_PRODUCT);
    struct association_row association = { .enterprise = 1, .product = 1 };
    assert_int_equal(f->rows.association(f->rows.ctx, &association, false), MU_OK);
    put_group(f, 1, 1, GROUP);
    put_group(f, 2, 2, OTHER_GROUP);
    put_device(f, 1, 1, DEVICE, "virtual:site");
    put_device(f, 2, 2, OTHER_DEVICE, "accf2350d446");
    put_token(f, TOKEN, clock_wall_s() + 3600);
    put_token(f, EXPIRED, clock_wall_s() - 1);

    f->api.parts.fleet = f->fleet;
    arena_init(&f->ex.arena, LIMIT_HTTP_ARENA);
    buf_init(&f->ex.res.body, LIMIT_HTTP_ANSWER);
    buf_init(&f->ex.res.headers, LIMIT_HTTP_HEAD);
    f->ex.ctx = &f->api;
    f->ex.req.headers = f->headers;
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct api_fixture *f = *state;

    buf_free(&f->ex.res.body);
    buf_free(&f->ex.res.headers);
    arena_free(&f->ex.arena);
    fleet_destroy(f->fleet);
    free(f);
    return 0;
}

/* Starts a new request; drops the previous one. */
static inline void begin(struct api_fixture *f, const struct api_route *route, const char *query)
{
    arena_reset(&f->ex.arena);
    buf_clear(&f->ex.res.body);
    buf_clear(&f->ex.res.headers);
    f->ex.req.header_count = 0;
    f->ex.req.query = str_of(query);
    f->ex.req.captures[0] = STR(PRODUCT);
    f->ex.req.captures[1] = STR(DEVICE);
    ip_of_sockaddr(&(struct sockaddr){ .sa_family = AF_UNIX }, &f->ex.req.peer);
    f->call = (struct api_call){
        .api = &f->api, .ex = &f->ex, .route = route, .product = fleet_product_by_key(f->fleet, STR(PRODUCT))
    };
    if (route && route->args_size)
        f->call.args = arena_alloc(&f->ex.arena, route->args_size);
}

static inline void add_header(struct api_fixture *f, const char *name, const char *value)
{
    f->headers[f->ex.req.header_count++] = (struct http_header){ str_of(name), str_of(value) };
}

/* The header lines or the body of the response, as a text in the arena. */
static inline const char *text_of(struct api_fixture *f, const struct buf *b)
{
    return arena_strndup(&f->ex.arena, b->data ? (const char *)b->data : "", b->len);
}

#endif
