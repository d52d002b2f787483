#ifndef MUSTER_MODEL_DATAPOINT_PLAN_H
#define MUSTER_MODEL_DATAPOINT_PLAN_H

#include "base/arena.h"
#include "base/limits.h"
#include "model/datapoint.h"

/* A compiled definition, for the codec's own files.
 *
 * All values of a device stand in one *image*. For a fixed-length product it is the status image of
 * the wire; for a variable-length one it is what a report of all points carries behind its flags:
 * one bit section, then the byte points in id order. So both kinds share everything that works on
 * images, and a state is what is known (a byte, or the flags) followed by the image.
 *
 * A *section* is a run of bytes read as one big-endian integer, of which a point takes some bits;
 * flags are a section, too, with one bit per point. */

#define ENUM_BITS_MAX 16

struct plan_point {
    struct datapoint face;                     /* what datapoint_at hands out */
    uint32_t offset;                           /* in the image: of its first byte, or of its bit section */
    uint32_t section;                          /* bool and enum: bytes of that section */
    uint32_t shift;                            /* bool and enum: bits of the section below it */
    double whole_ratio, whole_addition, scale; /* numbers: see datapoint_number.c */
};

/* Bits of one byte of the image. */
struct plan_image_bits {
    uint32_t offset;
    uint8_t mask;
};

struct datapoint_plan {
    struct arena memory; /* of everything below */
    bool var_len;
    size_t count;
    struct plan_point *points; /* by id */
    uint16_t *by_name;         /* ids in the order of their names */
    size_t image_size;
    size_t flag_count; /* of a control: writable points, or all of a variable-length product */
    size_t flags_size;
    size_t control_size; /* fixed length: how much of the image a control carries */
    size_t known_size;   /* bytes before the image in a state */
    uint16_t *bounded;   /* ids of the enums whose bits can tell more than they have texts */
    size_t bounded_count;
    struct plan_image_bits *faults, *alerts;
    size_t fault_count, alert_count;
};

static inline bool plan_point_is_bits(const struct plan_point *p)
{
    return p->face.type == POINT_BOOL || p->face.type == POINT_ENUM;
}

/* --- datapoint_plan.c, datapoint_layout.c: compiling ------------------------------------------ */

struct plan_compiler {
    struct datapoint_plan *plan;
    char *why;
    size_t why_size;
    const char *name; /* of the point that is being read; NULL while it has none */
    long long id;
};

/* Writes the sentence and returns MU_E_VALUE. */
enum mu_err plan_refuse(struct plan_compiler *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Places the points, whose offset and shift are as the definition gave them, and derives everything that the plan says
 * about its image. */
MU_MUST_USE enum mu_err plan_layout(struct plan_compiler *c);

/* --- datapoint_number.c ----------------------------------------------------------------------- */

/* Derives whole_ratio, whole_addition and scale from ratio and addition. */
void plan_number_prepare(struct plan_point *p);
double plan_number_shown(const struct plan_point *p, uint32_t x);
/* The x that shows as v or nearest to it; false if it is not within min and max. */
bool plan_number_x(const struct plan_point *p, double v, uint32_t *x);

/* --- datapoint_image.c ------------------------------------------------------------------------ */

uint32_t plan_section_read(const uint8_t *section, size_t size, uint32_t shift, uint32_t width);
void plan_section_write(uint8_t *section, size_t size, uint32_t shift, uint32_t width, uint32_t x);

/* The value of a point in an image; set is true, bytes point into the image. */
struct point_value plan_image_get(const struct plan_point *p, const uint8_t *image);
/* NULL bytes are written as zeros. */
void plan_image_put(const struct plan_point *p, uint8_t *image, struct point_value value);
/* Fills the image with what a point carries if nothing is known of it: min, else 0. */
void plan_image_fill(const struct datapoint_plan *plan, uint8_t *image);
/* MU_E_VALUE if an enum of the image is out of range. */
MU_MUST_USE enum mu_err plan_image_check(const struct datapoint_plan *plan, const uint8_t *image);

/* Goes through the flagged points of a variable-length P0. */
struct plan_var_walk {
    const struct datapoint_plan *plan;
    const uint8_t *flags, *bits, *bytes;
    size_t bits_size;
    size_t flagged; /* how many there are */
    uint32_t shift;
    size_t id; /* where to look on */
};

/* body: the P0 behind its action. MU_E_FRAME if its length is not what its flags say. */
MU_MUST_USE enum mu_err plan_var_walk_begin(struct plan_var_walk *w, const struct datapoint_plan *plan,
                                            const uint8_t *body, size_t len);
/* The next flagged point and its value; false after the last. */
bool plan_var_walk_next(struct plan_var_walk *w, size_t *id, struct point_value *value);
/* Appends such a body with the flagged points of an image. */
void plan_var_append(const struct datapoint_plan *plan, const uint8_t *flags, const uint8_t *image, struct buf *out);

/* --- datapoint_codec.c ------------------------------------------------------------------------ */

/* Whether a P0 with this action is a status of the plan's kind. */
bool plan_status_action(const struct datapoint_plan *plan, uint8_t action);
/* Decodes a variable-length body, be it of a status or of a control, into values. */
MU_MUST_USE enum mu_err plan_var_decode(const struct datapoint_plan *plan, const uint8_t *body, size_t len,
                                        struct point_value *values);

#endif
