#ifndef MUSTER_SQL_REGISTRY_FOLLOWER_H
#define MUSTER_SQL_REGISTRY_FOLLOWER_H

/* A simple follower of the registry, for the tests. It fails a test if a child comes before its parent. */

#include "sql/registry_fixture.h"

enum { FOLLOWED_ROWS = 512, FOLLOWED_VERSIONS = 64, FOLLOWED_APP_PRODUCTS = 8, FOLLOWED_USER_PRODUCTS = 32 };

/* What a follower keeps, by number. A row of zeros does not exist. */
struct image {
    struct enterprise_row enterprise[FOLLOWED_ROWS];
    struct product_row product[FOLLOWED_ROWS];
    uint32_t definition[FOLLOWED_ROWS][FOLLOWED_VERSIONS]; /* length of the text */
    uint32_t association[FOLLOWED_ROWS];
    struct app_row app[FOLLOWED_ROWS];
    uint32_t app_products[FOLLOWED_ROWS][FOLLOWED_APP_PRODUCTS];
    struct group_row group[FOLLOWED_ROWS];
    struct device_row device[FOLLOWED_ROWS];
    struct user_brief user[FOLLOWED_ROWS];
    struct bound_row binding[FOLLOWED_ROWS];
    int64_t first_bound[FOLLOWED_USER_PRODUCTS][FOLLOWED_ROWS];
    struct token_row token[FOLLOWED_ROWS]; /* the number is in the first two bytes of the hash */
    unsigned calls;
};

static inline enum mu_err see_enterprise(void *ctx, const struct enterprise_row *row)
{
    struct image *image = ctx;
    image->calls++;
    memcpy(&image->enterprise[row->no], row, sizeof(*row));
    return MU_OK;
}

static inline enum mu_err see_product(void *ctx, const struct product_row *row)
{
    struct image *image = ctx;
    image->calls++;
    memcpy(&image->product[row->no], row, sizeof(*row));
    return MU_OK;
}

static inline enum mu_err see_definition(void *ctx, const struct definition_row *row)
{
    struct image *image = ctx;
    image->calls++;
    assert_int_not_equal(image->product[row->product].no, 0);
    image->definition[row->product][row->version] = (uint32_t)row->json.len;
    return MU_OK;
}

static inline enum mu_err see_association(void *ctx, const struct association_row *row, bool removed)
{
    struct image *image = ctx;
    image->calls++;
    assert_int_not_equal(image->product[row->product].no, 0);
    assert_int_not_equal(image->enterprise[row->enterprise].no, 0);
    if (!removed)
        image->association[row->product] = row->enterprise;
    else if (image->association[row->product] == row->enterprise)
        image->association[row->product] = 0;
    return MU_OK;
}

static inline enum mu_err see_app(void *ctx, const struct app_row *row, const uint32_t *products, size_t count)
{
    struct image *image = ctx;
    image->calls++;
    assert_true(count <= FOLLOWED_APP_PRODUCTS);
    memcpy(&image->app[row->no], row, sizeof(*row));
    memset(image->app_products[row->no], 0, sizeof(image->app_products[row->no]));
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(image->product[products[i]].no, 0);
        image->app_products[row->no][i] = products[i];
    }
    return MU_OK;
}

static inline enum mu_err see_group(void *ctx, const struct group_row *row)
{
    struct image *image = ctx;
    image->calls++;
    assert_int_not_equal(image->product[row->product].no, 0);
    if (row->parent)
        assert_int_not_equal(image->group[row->parent].no, 0);
    memcpy(&image->group[row->no], row, sizeof(*row));
    return MU_OK;
}

static inline enum mu_err see_device(void *ctx, const struct device_row *row)
{
    struct image *image = ctx;
    image->calls++;
    assert_int_not_equal(image->product[row->product].no, 0);
    if (row->group)
        assert_int_not_equal(image->group[row->group].no, 0);
    memcpy(&image->device[row->no], row, sizeof(*row));
    return MU_OK;
}

static inline enum mu_err see_user(void *ctx, const struct user_brief *row)
{
    struct image *image = ctx;
    image->calls++;
    assert_int_not_equal(image->app[row->app].no, 0);
    struct user_brief *mine = &image->user[row->no];
    memset(mine, 0, sizeof(*mine)); /* names are compared up to their end */
    mine->no = row->no;
    mine->app = row->app;
    mine->is_disabled = row->is_disabled;
    strcpy(mine->place.city, row->place.city);
    return MU_OK;
}

static inline enum mu_err see_binding(void *ctx, const struct bound_row *row)
{
    struct image *image = ctx;
    image->calls++;
    assert_int_not_equal(image->device[row->device].no, 0);
    assert_int_not_equal(image->user[row->user].no, 0);
    image->binding[row->no].no = row->no; /* by field: what lies between fields is not set */
    image->binding[row->no].device = row->device;
    image->binding[row->no].user = row->user;
    image->binding[row->no].since = row->since;
    image->binding[row->no].until = row->until;
    return MU_OK;
}

static inline enum mu_err see_first_bound(void *ctx, const struct first_bound_row *row)
{
    struct image *image = ctx;
    image->calls++;
    assert_in_range(row->product, 1, FOLLOWED_USER_PRODUCTS - 1);
    assert_int_not_equal(image->product[row->product].no, 0);
    assert_int_not_equal(image->user[row->user].no, 0);
    image->first_bound[row->product][row->user] = row->since;
    return MU_OK;
}

static inline enum mu_err see_token(void *ctx, const struct token_row *row, bool removed)
{
    struct image *image = ctx;
    struct token_row *mine = &image->token[row->hash[0] * 256 + row->hash[1]];
    image->calls++;
    memset(mine, 0, sizeof(*mine));
    if (!removed)
        memcpy(mine, row, sizeof(*mine));
    return MU_OK;
}

static inline enum mu_err see_deleted(void *ctx, enum registry_kind kind, uint32_t no)
{
    struct image *image = ctx;
    image->calls++;
    assert_true(kind == KIND_GROUP || kind == KIND_DEVICE || kind == KIND_USER);
    for (int i = 0; i < FOLLOWED_ROWS; i++) {
        struct bound_row *b = &image->binding[i];
        if (kind == KIND_GROUP) /* children first */
            assert_int_not_equal(image->group[i].parent, no);
        else if ((kind == KIND_DEVICE ? b->device : b->user) == no)
            memset(b, 0, sizeof(*b));
    }
    if (kind == KIND_GROUP)
        memset(&image->group[no], 0, sizeof(image->group[no]));
    else if (kind == KIND_DEVICE)
        memset(&image->device[no], 0, sizeof(image->device[no]));
    for (int product = 0; kind == KIND_USER && product < FOLLOWED_USER_PRODUCTS; product++)
        image->first_bound[product][no] = 0;
    if (kind == KIND_USER)
        memset(&image->user[no], 0, sizeof(image->user[no]));
    return MU_OK;
}

static inline struct registry_visitor visitor_of(struct image *image)
{
    return (struct registry_visitor){
        .ctx = image,
        .enterprise = see_enterprise,
        .product = see_product,
        .definition = see_definition,
        .association = see_association,
        .app = see_app,
        .group = see_group,
        .device = see_device,
        .user = see_user,
        .binding = see_binding,
        .first_bound = see_first_bound,
        .token = see_token,
        .deleted = see_deleted,
    };
}

static inline void visit_all(struct registry_fixture *f, struct image *image, uint64_t *seq)
{
    struct registry_visitor v = visitor_of(image);
    memset(image, 0, sizeof(*image));
    assert_int_equal(registry_visit_all(f->reg, &v, seq), MU_OK);
}

static inline void follow(struct registry_fixture *f, struct image *image, uint64_t *seq)
{
    struct registry_visitor v = visitor_of(image);
    image->calls = 0;
    assert_int_equal(registry_visit_changes(f->reg, &v, seq), MU_OK);
}

#endif
