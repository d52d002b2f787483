#include "commit/device_image.h"

#include "journal/journal_nodes.h"
#include "model/frame.h"

struct image_reading {
    struct fleet *fleet;
    uint32_t product;
    struct device_image *image;
    int64_t last_us; /* what the state counts */
    uint64_t messages;
    bool followed; /* there may be more */
};

/* The state that the definition `d` writes, in which nothing is known yet. */
static void begin_image(struct device_image *image, const struct fleet_definition *d)
{
    size_t len = datapoint_state_size(d->plan);
    uint8_t *room;

    buf_clear(&image->bytes);
    if (!(room = buf_reserve(&image->bytes, len)))
        return;
    memset(room, 0, len);
    image->bytes.len = len;
    image->definition = d;
}

static void on_state(void *ctx, const struct journal_state *s)
{
    struct image_reading *r = ctx;
    const struct fleet_definition *d = s->image ? fleet_definition(r->fleet, r->product, s->definition) : NULL;

    r->last_us = s->last_ts_us;
    r->messages = s->messages;
    r->followed = s->followed;
    if (!d || s->image_len != datapoint_state_size(d->plan))
        return;
    r->image->definition = d;
    buf_append(&r->image->bytes, s->image, s->image_len);
}

/* As batch_replay does. */
static enum mu_err on_message(void *ctx, const struct journal_message *m)
{
    struct image_reading *r = ctx;
    struct device_image *image = r->image;
    struct frame frame;

    if (m->number <= r->messages || !m->decoded || frame_parse(m->payload, m->payload_len, &frame) != MU_OK)
        return MU_OK;
    const struct fleet_definition *d = fleet_definition(r->fleet, r->product, m->definition);
    if (!d)
        return MU_OK;
    if (d != image->definition)
        begin_image(image, d);
    if (image->bytes.err != MU_OK)
        return image->bytes.err;
    return datapoint_state_report(d->plan, frame.p0, frame.p0_len, image->bytes.data);
}

static enum mu_err read_record(struct fleet *f, struct journal *j, const struct fleet_device *d,
                               struct device_image *out)
{
    struct image_reading r = { .fleet = f, .product = d->product->no, .image = out };
    enum mu_err err = journal_device_state(j, d->no, on_state, &r);
    uint64_t unused;

    if (err != MU_OK)
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    if (!r.followed)
        return MU_OK;
    return journal_messages(
        j, d->no, &(struct journal_window){ .from_us = r.last_us + 1, .to_us = INT64_MAX, .limit = UINT64_MAX },
        on_message, &r, &unused);
}

enum mu_err device_image_read(struct fleet *f, struct journal *j, const struct fleet_device *d,
                              struct device_image *out)
{
    enum mu_err err = MU_OK;

    *out = (struct device_image){ .definition = NULL };
    buf_init(&out->bytes, LIMIT_IMAGE + LIMIT_POINTS);
    if (journal_is_shared(j) && !fleet_device_is_here(f, d->no))
        err = read_record(f, j, d, out);
    else
        fleet_device_state(f, d->no, &out->definition, &out->bytes);
    return err == MU_OK ? out->bytes.err : err;
}

void device_image_free(struct device_image *image)
{
    buf_free(&image->bytes);
}
