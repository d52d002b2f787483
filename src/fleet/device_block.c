#include <string.h>

#include "fleet/fleet_internal.h"

/* A device's two blocks of the pool: its texts, and its state image. */

enum { TEXT_HEAD = 3 };  /* a byte of length for each */
enum { IMAGE_HEAD = 2 }; /* of length */

/* --- texts ----------------------------------------------------------------------------------- */

struct device_texts device_texts(const struct fleet *f, struct row r)
{
    const uint8_t *at = pool_at(&f->pool, r.c->text[r.i]);
    const char *text = (const char *)at + TEXT_HEAD;

    return (struct device_texts){
        .mac = { text, at[0] },
        .passcode = { text + at[0], at[1] },
        .sn = { text + at[0] + at[1], at[2] },
    };
}

static size_t texts_size(const struct device_texts *t)
{
    return TEXT_HEAD + t->mac.len + t->passcode.len + t->sn.len;
}

uint32_t device_store_texts(struct fleet *f, const struct device_texts *t)
{
    const struct str all[TEXT_HEAD] = { t->mac, t->passcode, t->sn };
    uint32_t block = pool_alloc(&f->pool, texts_size(t));

    if (!block)
        return 0;
    uint8_t *head = pool_at(&f->pool, block), *at = head + TEXT_HEAD;
    for (size_t i = 0; i < TEXT_HEAD; i++) {
        head[i] = (uint8_t)all[i].len;
        memcpy(at, all[i].at, all[i].len);
        at += all[i].len;
    }
    return block;
}

void device_free_texts(struct fleet *f, struct row r)
{
    struct device_texts t = device_texts(f, r);

    pool_free(&f->pool, r.c->text[r.i], texts_size(&t));
    r.c->text[r.i] = 0;
}

/* --- image ----------------------------------------------------------------------------------- */

const uint8_t *device_image(const struct fleet *f, struct row r, size_t *len)
{
    uint16_t size;

    if (!r.c->told[r.i].image)
        return NULL;
    const uint8_t *at = pool_at(&f->pool, r.c->told[r.i].image);
    memcpy(&size, at, IMAGE_HEAD);
    *len = size;
    return at + IMAGE_HEAD;
}

void device_free_image(struct fleet *f, struct row r)
{
    size_t len;

    if (!device_image(f, r, &len))
        return;
    pool_free(&f->pool, r.c->told[r.i].image, len + IMAGE_HEAD);
    r.c->told[r.i].image = 0;
}

void device_set_image(struct fleet *f, struct row r, const uint8_t *image, size_t len)
{
    uint32_t *block = &r.c->told[r.i].image;
    size_t old_len;
    uint16_t size = (uint16_t)len;

    if (*block && (!device_image(f, r, &old_len) || old_len != len))
        device_free_image(f, r);
    if (!*block && !(*block = pool_alloc(&f->pool, len + IMAGE_HEAD)))
        fleet_out_of_memory();
    uint8_t *at = pool_at(&f->pool, *block);
    memcpy(at, &size, IMAGE_HEAD);
    memcpy(at + IMAGE_HEAD, image, len);
}
