#include "fleet/versions.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"

/* Sets of firmware versions: found by their text, counted by the devices that have them. */

enum { SET_MAX = VERSION_COUNT * (LIMIT_VERSION + 1) };

static uint64_t hash_set(const void *ctx, uint32_t no)
{
    const struct versions *v = ctx;
    return hash_bytes(v->key, 0, pool_at(v->pool, v->sets[no].text), v->sets[no].len);
}

void versions_init(struct versions *v, struct pool *pool, const struct hash_key *key)
{
    *v = (struct versions){ .pool = pool, .key = key, .count = 1 };
    index_init(&v->by_text, hash_set, v);
}

void versions_free(struct versions *v)
{
    free(v->sets);
    index_free(&v->by_text);
}

static uint32_t pack(const struct journal_versions *set, char out[SET_MAX])
{
    uint32_t len = 0;

    for (int i = 0; i < VERSION_COUNT; i++) {
        size_t size = strnlen(set->text[i], LIMIT_VERSION);
        memcpy(out + len, set->text[i], size);
        len += (uint32_t)size;
        out[len++] = '\0';
    }
    return len;
}

static enum mu_err add_set(struct versions *v, const char *text, uint32_t len, uint32_t *no)
{
    if (index_reserve(&v->by_text) != MU_OK)
        return MU_E_NOMEM;
    if (!v->free && !ARRAY_RESERVE(v->sets, v->cap, v->count + 1))
        return MU_E_NOMEM;
    uint32_t block = pool_alloc(v->pool, len);
    if (!block)
        return MU_E_NOMEM;
    memcpy(pool_at(v->pool, block), text, len);
    if (v->free) {
        *no = v->free;
        assert(!v->sets[*no].refs);
        v->free = v->sets[*no].next;
    } else {
        *no = v->count++;
    }
    v->sets[*no] = (struct version_set){ .refs = 1, .text = block, .len = len };
    index_add(&v->by_text, *no);
    return MU_OK;
}

enum mu_err versions_take(struct versions *v, const struct journal_versions *set, uint32_t *no)
{
    char text[SET_MAX];
    uint32_t len = pack(set, text);

    if (len == VERSION_COUNT) {
        *no = 0;
        return MU_OK;
    }
    struct index_probe probe = index_probe(&v->by_text, hash_bytes(v->key, 0, text, len));
    while ((*no = index_next(&probe))) {
        struct version_set *at = &v->sets[*no];
        if (at->len == len && memcmp(pool_at(v->pool, at->text), text, len) == 0) {
            at->refs++;
            return MU_OK;
        }
    }
    return add_set(v, text, len, no);
}

void versions_drop(struct versions *v, uint32_t no)
{
    assert(no < v->count && (!no || v->sets[no].refs));
    if (!no || --v->sets[no].refs)
        return;
    index_remove(&v->by_text, no);
    pool_free(v->pool, v->sets[no].text, v->sets[no].len);
    v->sets[no].next = v->free;
    v->free = no;
}

void versions_read(const struct versions *v, uint32_t no, struct journal_versions *out)
{
    memset(out, 0, sizeof(*out));
    assert(no < v->count);
    if (!no)
        return;
    const char *text = pool_at(v->pool, v->sets[no].text);
    for (int i = 0; i < VERSION_COUNT; i++) {
        size_t size = strlen(text) + 1;
        memcpy(out->text[i], text, size);
        text += size;
    }
}
