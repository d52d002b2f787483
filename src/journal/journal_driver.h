#ifndef MUSTER_JOURNAL_JOURNAL_DRIVER_H
#define MUSTER_JOURNAL_JOURNAL_DRIVER_H

#include "journal/journal.h"
#include "journal/journal_nodes.h"

/* What implements the journal: a table of functions with the meaning that journal.h gives to each. A store's own struct
 * begins with struct journal, and its batch with struct journal_batch. Only the stores include this. */
struct journal_driver_nodes;
struct journal_driver_copy;
struct journal_driver {
    void (*close)(struct journal *j);
    void (*end_soon)(struct journal *j);                                        /* NULL: no commit waits for so long */
    bool (*boot_is_over)(struct journal *j, uint64_t boot, int64_t *since_us);  /* never asked for the present one */
    void (*note_registry)(struct journal *j, uint64_t change, uint32_t device); /* may be NULL */
    int64_t (*followed_until_us)(struct journal *j);

    enum mu_err (*batch_create)(struct journal_batch **out, struct journal *j);
    void (*batch_destroy)(struct journal_batch *b);
    void (*batch_clear)(struct journal_batch *b);
    size_t (*batch_bytes)(const struct journal_batch *b);
    void (*message)(struct journal_batch *b, uint32_t device, const struct journal_message *m);
    void (*session)(struct journal_batch *b, uint32_t device, const struct journal_session *s);
    void (*turn)(struct journal_batch *b, uint32_t device, enum journal_list list, int64_t from_us, int64_t last_us);
    void (*state)(struct journal_batch *b, uint32_t device, const struct journal_state *s);
    void (*followed)(struct journal_batch *b, int64_t until_us);
    void (*versions)(struct journal_batch *b, uint32_t device, const struct journal_versions *v);
    void (*active)(struct journal_batch *b, int32_t day, uint32_t device);
    void (*active_set)(struct journal_batch *b, int32_t day, const void *set, size_t len);
    void (*event)(struct journal_batch *b, uint32_t device, const struct journal_event *e);
    void (*forget_event)(struct journal_batch *b, uint32_t device, const struct journal_event *e);
    void (*forget_device)(struct journal_batch *b, uint32_t device);
    void (*control)(struct journal_batch *b, const struct journal_control *c);
    void (*forget_controls)(struct journal_batch *b, int64_t before_us);

    enum mu_err (*commit)(struct journal *j, struct journal_batch *b, int64_t alive_us);
    enum mu_err (*roll)(struct journal *j, int64_t now_us);
    int64_t (*expiry_us)(const struct journal *j);

    enum mu_err (*visit)(struct journal *j, const struct journal_visitor *v);
    enum mu_err (*events)(struct journal *j, int64_t from_us, int64_t before_us, journal_event_fn row, void *ctx);
    enum mu_err (*controls)(struct journal *j, int64_t after_us, uint64_t after_request, int64_t before_us,
                            journal_control_fn row, void *ctx);
    enum mu_err (*messages)(struct journal *j, uint32_t device, const struct journal_window *w, journal_message_fn row,
                            void *ctx, uint64_t *total);
    enum mu_err (*sessions)(struct journal *j, uint32_t device, const struct journal_window *w, journal_session_fn row,
                            void *ctx, uint64_t *total);
    enum mu_err (*messages_since)(struct journal *j, const struct journal_since *since, size_t count, int64_t to_us,
                                  journal_device_message_fn row, void *ctx); /* NULL: `messages` for each device */
    bool (*turned)(struct journal *j, uint32_t device, enum journal_list list, int64_t from_us, int64_t to_us);
    enum mu_err (*check)(struct journal *j, const struct journal_reader *reader, const struct findings *f);

    const struct journal_driver_nodes *nodes; /* NULL: only one process opens this store */
    const struct journal_driver_copy *copy;   /* NULL: nobody copies it */
};

/* journal_nodes.h */
struct journal_driver_nodes {
    enum mu_err (*nodes)(struct journal *j, journal_node_fn row, void *ctx);
    enum mu_err (*stay_alive)(struct journal *j);
    enum mu_err (*end_boot)(struct journal *j, uint64_t boot, int64_t alive_us);
    enum mu_err (*claim)(struct journal_batch *b, const uint32_t *devices, size_t count,
                         const struct journal_claimant *to);
    void (*past)(struct journal_batch *b, uint32_t device, int64_t activated_at, int64_t online_latest,
                 int64_t last_report);
    void (*merge_versions)(struct journal_batch *b, uint32_t device, const struct journal_versions *v, bool told);
    void (*delta)(struct journal_batch *b, const void *bytes, size_t len);
    uint64_t (*last_delta)(const struct journal *j);
    void (*keep_deltas)(struct journal *j); /* NULL: none are dropped */
    enum mu_err (*deltas)(struct journal *j, uint64_t boot, uint64_t after, journal_delta_fn row, void *ctx);
    enum mu_err (*device_events)(struct journal *j, const uint32_t *devices, size_t count, journal_event_fn row,
                                 void *ctx);
    enum mu_err (*device_versions)(struct journal *j, const uint32_t *devices, size_t count, journal_versions_fn row,
                                   void *ctx);
    enum mu_err (*grant_calls)(struct journal *j, struct journal_grant *g);
    enum mu_err (*device_state)(struct journal *j, uint32_t device,
                                void (*state)(void *ctx, const struct journal_state *s), void *ctx);
    enum mu_err (*keep_house)(struct journal *j, const struct journal_house *h);
};

/* journal_copy.h: what the rest of the driver does not tell. */
struct journal_rest {
    void *ctx;
    enum mu_err (*start)(void *ctx, uint64_t boot, int64_t alive_us); /* alive_us 0: not known */
    /* spans: turn_spans.h */
    enum mu_err (*turns)(void *ctx, uint32_t device, enum journal_list list, const void *spans, size_t len);
    enum mu_err (*clock)(void *ctx, int64_t trusted_us); /* expiry_clock.h */
};
struct journal_driver_copy {
    enum mu_err (*rest)(struct journal *j, const struct journal_rest *rest);
    /* Into the batch, or at once. Starts come before the first commit; the present one gets a number above all. */
    enum mu_err (*put_start)(struct journal_batch *b, uint64_t boot, int64_t alive_us);
    enum mu_err (*put_turns)(struct journal_batch *b, uint32_t device, enum journal_list list, const void *spans,
                             size_t len);
    enum mu_err (*put_clock)(struct journal_batch *b, int64_t trusted_us);
};

struct journal {
    const struct journal_driver *driver;
    uint64_t boot;
};

struct journal_batch {
    const struct journal_driver *driver;
};

#endif
