#ifndef MUSTER_MODEL_DATAPOINT_H
#define MUSTER_MODEL_DATAPOINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/text.h"
#include "model/api_error.h"

/* The P0 codec: a product's datapoint definition, compiled once into a plan, and what the plan can
 * do with the bytes that devices send and receive (device-access 4).
 *
 * Words: a *point* is one datapoint. Its raw value x is what is on the wire (an unsigned integer,
 * an enum index, 0/1, or bytes); its shown value is the enum's text, ratio * x + addition, …
 * A *state* is the last known value of every point of one device, in a fixed-size canonical form
 * (see datapoint_state_size) which is also what the journal keeps per device.
 *
 * A plan is immutable; everything here is pure and may run in any thread. */

enum point_access { POINT_WRITABLE, POINT_READONLY, POINT_ALERT, POINT_FAULT };
enum point_type { POINT_BOOL, POINT_ENUM, POINT_UINT8, POINT_UINT16, POINT_UINT32, POINT_BINARY };

struct datapoint {
    const char *name;         /* owned by the plan, as all texts here */
    const char *display_name; /* "" if the definition has none */
    enum point_access access;
    enum point_type type;
    uint32_t min, max;             /* numbers: bounds of x */
    double ratio, addition;        /* numbers: shown = ratio * x + addition; ratio > 0 */
    const char *const *enum_texts; /* the index is x */
    uint32_t enum_count;
    uint32_t size; /* bits of a bool or enum, bytes of the others */
};

struct datapoint_plan;

/* Compiles a definition in the form of GET datapoint. On failure *why gets one English sentence
 * that names the datapoint at fault ("datapoint 'mode' (id 2): …"), and the result is MU_E_VALUE
 * (or MU_E_NOMEM). The caller frees with datapoint_plan_free.
 *
 * Refused: unknown types, an enum without values or with more than its bits can tell, missing or
 * duplicate names, ids that are not 0…N-1, min > max or bounds that the width cannot hold, a ratio
 * that is not positive, an alert or fault that is no bool, sizes over base/limits.h. In a
 * fixed-length definition also: overlapping positions, positions outside their group's area, groups
 * out of order (definitions in the field show that a variable-length one mixes them).
 * Forgiven: a missing protocolType (standard), uint_spec (all that the width holds, ratio 1),
 * display_name, desc, and whatever else the definition says. */
MU_MUST_USE enum mu_err datapoint_plan_compile(const json_t *definition, struct datapoint_plan **out, char *why,
                                               size_t why_size);
void datapoint_plan_free(struct datapoint_plan *plan);

size_t datapoint_count(const struct datapoint_plan *plan);
const struct datapoint *datapoint_at(const struct datapoint_plan *plan, size_t id);
/* The id of a name, or -1. */
int datapoint_find(const struct datapoint_plan *plan, struct str name);
bool datapoint_is_var_len(const struct datapoint_plan *plan);
/* What a number point shows for x: the double nearest to the decimal ratio * x + addition, so that
 * 732 at ratio 0.01 is 7.32 and not 7.3200000000000003. */
double datapoint_shown(const struct datapoint_plan *plan, size_t id, uint32_t x);

/* --- values: what one frame says -------------------------------------------------------------- */

struct point_value {
    bool set;
    uint32_t x;           /* bool, enum index, number */
    const uint8_t *bytes; /* binary: `size` bytes, pointing into the decoded P0 or the caller's */
};

/* Decodes one status P0, its action byte included (03/04 fixed; 13/14 variable length).
 *
 * values   room for datapoint_count; for a variable-length report only the reported points are
 *          set. Binary values point into p0 and live as long as it does.
 *
 * MU_E_FRAME if the action is another one or the length is not what the definition says;
 * MU_E_VALUE if an enum index is out of range. values is then unspecified. */
MU_MUST_USE enum mu_err datapoint_decode(const struct datapoint_plan *plan, const uint8_t *p0, size_t len,
                                         struct point_value *values);

/* The counterpart, for the simulator and the tests: the P0 that a device would send, action being
 * 03/04 or 13/14 after the plan's kind. A fixed-length status needs every point: an unset one is
 * written as the filler of a control is. Of an x wider than its point the low bits are written.
 * Errors are the buffer's. */
void datapoint_encode_status(const struct datapoint_plan *plan, uint8_t action, const struct point_value *values,
                             struct buf *out);

/* {"name": shown, …} of the set points: bool, alert and fault as 0/1, enum as its text, numbers
 * scaled, binary as lower-case hex (contract, endpoint 11). */
void datapoint_write_attrs(const struct datapoint_plan *plan, const struct point_value *values, struct json_out *out);

/* --- state: what is known of a device --------------------------------------------------------- */

/* Bytes of a state, at most LIMIT_IMAGE + LIMIT_POINTS / 8. All zero is the state of a device that
 * has told nothing yet. */
size_t datapoint_state_size(const struct datapoint_plan *plan);

/* Decodes as datapoint_decode and merges the reported points into state; on an error state is left
 * as it was. Cheaper than decode + merge: nothing is unpacked that need not be. */
MU_MUST_USE enum mu_err datapoint_state_report(const struct datapoint_plan *plan, const uint8_t *p0, size_t len,
                                               uint8_t *state);

/* The known points of a state; binary values point into it. */
void datapoint_state_values(const struct datapoint_plan *plan, const uint8_t *state, struct point_value *values);

/* Whether any fault (any alert) of the state is 1. */
bool datapoint_state_faulty(const struct datapoint_plan *plan, const uint8_t *state);
bool datapoint_state_alert(const struct datapoint_plan *plan, const uint8_t *state);
/* The points that are 1: writes their ids in ascending order and returns how many there are. ids has room for
 * datapoint_count. Very cheap if none is 1. */
size_t datapoint_state_raised(const struct datapoint_plan *plan, const uint8_t *state, uint16_t *ids);

/* --- control: what is sent to a device -------------------------------------------------------- */

enum binary_coding { CODING_NONE, CODING_HEX, CODING_BASE64 };

struct datapoint_asked {
    const json_t *attrs; /* {"name": value, …} (contract, endpoint 7) */
    /* The device's last state, or NULL. In a fixed-length control an unflagged point carries its value from there;
     * without one its min; else 0. */
    const uint8_t *state;
    enum binary_coding coding; /* how text values of binary points are written; CODING_NONE means hex */
};

/* Builds the P0 of a control. why: one sentence for detail_message, "" on success.
 *
 * API_OK, or API_FORM_INVALID (attrs empty or no object), API_ATTR_UNKNOWN, API_ATTR_INVALID; out
 * is then as it was. Errors of the buffer are the buffer's. */
MU_MUST_USE enum api_error datapoint_control(const struct datapoint_plan *plan, const struct datapoint_asked *asked,
                                             struct buf *out, char *why, size_t why_size);

/* Reads a control as the device does: p0 with its action 01/11. Used by the simulator. The flagged
 * points are set. Errors as of datapoint_decode. */
MU_MUST_USE enum mu_err datapoint_read_control(const struct datapoint_plan *plan, const uint8_t *p0, size_t len,
                                               struct point_value *values);

#endif
