#ifndef MUSTER_REGISTRY_OPERATE_PRIVATE_H
#define MUSTER_REGISTRY_OPERATE_PRIVATE_H

#include "registry/operate.h"

/* What operate.c and operate_delete.c share. */

enum { OPERATE_MISTAKES_MAX = 100, OPERATE_ID_MAX = ID_HEX_LEN + 1 + LIMIT_MAC };

struct operating {
    const struct operate *o;
    struct registry_tx *tx;
    struct str ids;  /* of this transaction, or of the check before all */
    bool look;       /* only check for mistakes */
    struct buf seen; /* by the check before all: a bit for each number */
    struct buf *report;
    size_t start; /* where the report of this transaction begins */
    unsigned mistakes;
};

/* The thing that an id names. */
struct operate_target {
    char id[OPERATE_ID_MAX + 1];
    uint32_t no;
    union {
        struct enterprise_row enterprise;
        struct product_row product;
        struct app_row app;
        struct user_row user;
        struct device_row device;
        struct group_row group;
    };
};

/* Adds a line about the thing to the report. */
void operate_tell(const struct operating *op, const struct operate_target *t, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What was done, unless there are mistakes. */
void operate_tell_done(const struct operating *op, const struct operate_target *t, const char *what);
/* Counts a mistake; false: it is not reported, since there are so many. After its first mistake a transaction reports only
 * mistakes: what it did is rolled back. */
bool operate_begin_mistake(struct operating *op);
#define OPERATE_MISTAKE(op, t, ...) (operate_begin_mistake(op) ? operate_tell(op, t, __VA_ARGS__) : (void)0)

static inline const char *operate_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* --- operate_delete.c ------------------------------------------------------------------------------- */

/* The check before all: what uses the thing is a mistake. */
MU_MUST_USE enum mu_err operate_look_for_uses(struct operating *op, const struct operate_target *t);
MU_MUST_USE enum mu_err operate_delete(struct operating *op, struct operate_target *t);

#endif
