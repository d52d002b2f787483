#include "registry/fake_registry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* The part of the registry that a follower sees, in memory, for tests (fake_registry.h). */

#define POINT(id, name, kind, spec, byte, bit, unit)                                                        \
    "{\"id\":" #id ",\"name\":\"" name "\",\"display_name\":\"\",\"desc\":\"\",\"type\":\"" kind "\"," spec \
    "\"position\":{\"byte_offset\":" #byte ",\"bit_offset\":" #bit ",\"len\":1,\"unit\":\"" unit "\"}}"
#define DEFINITION(points, kind)                                                          \
    "{\"name\":\"fake\",\"entities\":[{\"id\":0,\"display_name\":\"\",\"attrs\":[" points \
    "],\"name\":\"entity0\"}],\"protocolType\":\"" kind "\",\"product_key\":\"0\","       \
    "\"packetVersion\":\"0x00000004\"}"
#define LEVEL "\"data_type\":\"uint8\",\"uint_spec\":{\"min\":0,\"max\":200,\"ratio\":1,\"addition\":0},"
#define BOOL  "\"data_type\":\"bool\","
#define MODE  "\"data_type\":\"enum\",\"enum\":[\"a\",\"b\"],"

const char fake_definition[] =
    DEFINITION(POINT(0, "switch", "status_writable", BOOL, 0, 0,
                     "bit") "," POINT(1, "level", "status_writable", LEVEL, 1, 0,
                                      "byte") "," POINT(2, "Alert_Hot", "alert", BOOL, 2, 0,
                                                        "bit") "," POINT(3, "Fault_Broken", "fault", BOOL, 3, 0, "bit"),
               "standard");
const char fake_definition_2[] =
    DEFINITION(POINT(0, "switch", "status_writable", BOOL, 0, 0, "bit") "," POINT(
                   1, "mode", "status_writable", MODE, 0, 0,
                   "bit") "," POINT(2, "level", "status_writable", LEVEL, 0, 0,
                                    "byte") "," POINT(3, "Alert_Hot", "alert", BOOL, 0, 0,
                                                      "bit") "," POINT(4, "Fault_Broken", "fault", BOOL, 0, 0, "bit"),
               "var_len");

enum entry_kind {
    ENTERPRISE,
    PRODUCT,
    DEFINITION_OF,
    ASSOCIATION,
    APP,
    GROUP,
    DEVICE,
    USER,
    BINDING,
    FIRST_BOUND,
    TOKEN,
    DELETION
};

struct fake_entry {
    enum entry_kind kind;
    bool removed;
    enum registry_kind deleted;
    uint32_t no;
    union {
        struct enterprise_row enterprise;
        struct product_row product;
        struct definition_row definition;
        struct association_row association;
        struct {
            struct app_row row;
            uint32_t products[FAKE_APP_PRODUCTS];
            size_t count;
        } app;
        struct group_row group;
        struct device_row device;
        struct user_brief user;
        struct bound_row binding;
        struct first_bound_row first;
        struct token_row token;
    };
};

struct registry {
    pthread_mutex_t lock;
    struct fake_entry *entries;
    uint32_t cap;
    size_t count, first; /* the number of the first entry that is kept */
    enum mu_err fail;
    size_t fail_at;
    enum mu_err fail_row;
};

struct registry *fake_registry_new(void)
{
    struct registry *reg = calloc(1, sizeof(*reg));
    pthread_mutex_init(&reg->lock, NULL);
    return reg;
}

void fake_registry_clear(struct registry *reg)
{
    pthread_mutex_lock(&reg->lock);
    for (size_t i = 0; i < reg->count; i++) {
        if (reg->entries[i].kind == DEFINITION_OF)
            free((char *)reg->entries[i].definition.json.at);
    }
    reg->first += reg->count + 1;
    reg->count = 0;
    pthread_mutex_unlock(&reg->lock);
}

void fake_registry_free(struct registry *reg)
{
    fake_registry_clear(reg);
    free(reg->entries);
    pthread_mutex_destroy(&reg->lock);
    free(reg);
}

static void put(struct registry *reg, const struct fake_entry *e)
{
    pthread_mutex_lock(&reg->lock);
    if (!ARRAY_RESERVE(reg->entries, reg->cap, reg->count + 1))
        abort();
    reg->entries[reg->count++] = *e;
    pthread_mutex_unlock(&reg->lock);
}

void fake_put_enterprise(struct registry *reg, const struct enterprise_row *row)
{
    put(reg, &(struct fake_entry){ .kind = ENTERPRISE, .enterprise = *row });
}

void fake_put_product(struct registry *reg, const struct product_row *row)
{
    put(reg, &(struct fake_entry){ .kind = PRODUCT, .product = *row });
}

void fake_put_definition(struct registry *reg, uint32_t product, uint32_t version, const char *json)
{
    put(reg, &(struct fake_entry){ .kind = DEFINITION_OF, .definition = { product, version, str_of(strdup(json)) } });
}

void fake_associate(struct registry *reg, uint32_t enterprise, uint32_t product, bool removed)
{
    put(reg, &(struct fake_entry){ .kind = ASSOCIATION, .removed = removed, .association = { enterprise, product } });
}

void fake_put_app(struct registry *reg, uint32_t no, const uint32_t *products, size_t count)
{
    struct fake_entry e = { .kind = APP, .app = { .row.no = no, .count = count } };

    for (size_t i = 0; i < count; i++)
        e.app.products[i] = products[i];
    put(reg, &e);
}

void fake_put_user(struct registry *reg, const struct user_brief *row)
{
    put(reg, &(struct fake_entry){ .kind = USER, .user = *row });
}

void fake_bind(struct registry *reg, const struct bound_row *row)
{
    put(reg, &(struct fake_entry){ .kind = BINDING, .binding = *row });
}

void fake_first_bound(struct registry *reg, uint32_t product, uint32_t user, int64_t since)
{
    put(reg, &(struct fake_entry){ .kind = FIRST_BOUND, .first = { product, user, since } });
}

void fake_put_group(struct registry *reg, const struct group_row *row)
{
    put(reg, &(struct fake_entry){ .kind = GROUP, .group = *row });
}

void fake_put_device(struct registry *reg, const struct device_row *row)
{
    put(reg, &(struct fake_entry){ .kind = DEVICE, .device = *row });
}

void fake_put_token(struct registry *reg, const struct token_row *row, bool removed)
{
    put(reg, &(struct fake_entry){ .kind = TOKEN, .removed = removed, .token = *row });
}

void fake_delete(struct registry *reg, enum registry_kind kind, uint32_t no)
{
    put(reg, &(struct fake_entry){ .kind = DELETION, .deleted = kind, .no = no });
}

void fake_registry_fail(struct registry *reg, enum mu_err err)
{
    pthread_mutex_lock(&reg->lock);
    reg->fail = err;
    pthread_mutex_unlock(&reg->lock);
}

void fake_registry_fail_at(struct registry *reg, size_t place, enum mu_err err)
{
    pthread_mutex_lock(&reg->lock);
    reg->fail_at = place;
    reg->fail_row = err;
    pthread_mutex_unlock(&reg->lock);
}

static enum mu_err visit(const struct registry_visitor *v, const struct fake_entry *e)
{
    switch (e->kind) {
    case ENTERPRISE: return v->enterprise(v->ctx, &e->enterprise);
    case PRODUCT: return v->product(v->ctx, &e->product);
    case DEFINITION_OF: return v->definition(v->ctx, &e->definition);
    case ASSOCIATION: return v->association(v->ctx, &e->association, e->removed);
    case APP: return v->app(v->ctx, &e->app.row, e->app.products, e->app.count);
    case GROUP: return v->group(v->ctx, &e->group);
    case DEVICE: return v->device(v->ctx, &e->device);
    case USER: return v->user(v->ctx, &e->user);
    case BINDING: return v->binding(v->ctx, &e->binding);
    case FIRST_BOUND: return v->first_bound(v->ctx, &e->first);
    case TOKEN: return v->token(v->ctx, &e->token, e->removed);
    case DELETION: return v->deleted(v->ctx, e->deleted, e->no);
    }
    return MU_E_VALUE;
}

static enum mu_err visit_from(struct registry *reg, const struct registry_visitor *v, uint64_t *seq)
{
    enum mu_err err = MU_OK;

    for (size_t i = *seq - reg->first; i < reg->count && err == MU_OK; i++)
        err = reg->fail_row != MU_OK && i == reg->fail_at ? reg->fail_row : visit(v, &reg->entries[i]);
    if (err == MU_OK)
        *seq = reg->first + reg->count;
    return err;
}

enum mu_err registry_visit_all(struct registry *reg, const struct registry_visitor *v, uint64_t *seq)
{
    pthread_mutex_lock(&reg->lock);
    *seq = reg->first;
    enum mu_err err = visit_from(reg, v, seq);
    pthread_mutex_unlock(&reg->lock);
    return err;
}

enum mu_err registry_get_place(struct registry *reg, struct registry_place *out)
{
    (void)reg;
    *out = (struct registry_place){ .device = UINT32_MAX }; /* the test may have deleted any device */
    return MU_OK;
}

enum mu_err registry_count_devices(struct registry *reg, uint32_t *count)
{
    *count = 0;
    pthread_mutex_lock(&reg->lock);
    for (size_t i = 0; i < reg->count; i++)
        *count += reg->entries[i].kind == DEVICE;
    pthread_mutex_unlock(&reg->lock);
    return MU_OK;
}

enum mu_err registry_visit_changes(struct registry *reg, const struct registry_visitor *v, uint64_t *seq)
{
    pthread_mutex_lock(&reg->lock);
    enum mu_err err = reg->fail;
    if (err == MU_OK)
        err = *seq < reg->first ? MU_E_NOT_FOUND : visit_from(reg, v, seq);
    pthread_mutex_unlock(&reg->lock);
    return err;
}

/* --- rows ------------------------------------------------------------------------------------ */

void fake_hex(char out[ID_HEX_LEN + 1], uint32_t no)
{
    snprintf(out, ID_HEX_LEN + 1, "%032x", no);
}

/* Spread, so that the dids are in another order than the numbers. */
void fake_did(char out[DID_LEN + 1], uint32_t no)
{
    static const char digits[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    uint64_t left = no * 0x9e3779b97f4a7c15u;

    for (int i = 0; i < DID_LEN; i++) {
        out[i] = digits[left % 57];
        left = i < 10 ? left / 57 : no * 31 + (uint32_t)i;
    }
    out[DID_LEN] = '\0';
}

struct product_row fake_product(uint32_t no)
{
    struct product_row row = { .no = no, .name = "product", .remote_control = true };
    fake_hex(row.product_key, no);
    fake_hex(row.product_secret, no + 1000);
    return row;
}

struct enterprise_row fake_enterprise(uint32_t no)
{
    struct enterprise_row row = { .no = no, .name = "enterprise", .hourly_quota = 3600 };
    fake_hex(row.enterprise_id, no);
    return row;
}

struct device_row fake_device(uint32_t no, uint32_t product)
{
    struct device_row row = { .no = no, .product = product, .created_at = 1600000000 + no, .passcode = "secret" };
    fake_did(row.did, no);
    snprintf(row.mac, sizeof(row.mac), "%012x", no);
    return row;
}
