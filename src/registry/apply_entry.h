#ifndef MUSTER_REGISTRY_APPLY_ENTRY_H
#define MUSTER_REGISTRY_APPLY_ENTRY_H

#include "base/json_out.h"
#include "model/datapoint.h"
#include "registry/apply.h"
#include "registry/apply_rows.h"
#include "registry/audit.h"
#include "registry/import.h"
#include "registry/values.h"

/* What reads entries: apply.c drives it for the lists of a file, import.c for rows; apply_entry.c
 * reads fields and tells mistakes, apply_keys.c knows which things are meant, and each kind of thing has a
 * file of its own.
 *
 * A mistake does not end it: the rest is looked at too, so that the operator learns of all mistakes
 * at once. Of a file everything is given up then, at the end; of rows those with a mistake are left
 * out, so users, devices, groups and bindings are written only when there is none. An enum mu_err is
 * returned only for what has nothing to do with the entry. */

enum { APPLY_MISTAKES_MAX = 100 };

struct apply_tally {
    unsigned created, updated, unchanged;
};

/* The numbers that entries of one list were given, to notice two of the same. */
struct apply_seen {
    uint8_t *bits;
    uint32_t size;
};

struct apply {
    struct registry_tx *tx;
    bool rows; /* entries are rows of an import: told by line, with a key that is found
                                 again, and without a cap on what is told */
    int64_t now_s;
    bool mac_lower, json, force, quiet; /* apply_options */
    struct buf *report;                 /* mistakes; the counts if there are none */
    struct buf generated;               /* what was generated, a line each, or as JSON a list without its brackets */
    struct json_out generated_json;
    struct buf warnings; /* a line each */
    struct buf styled;   /* struct import_mac_tally: of the entries' devices, those whose mac is MAC_STYLED */
    unsigned mistakes;
    struct product_row product; /* that was named last; most devices of a file are of the same one */
    bool has_groups;            /* the product has */
    struct apply_seen seen;     /* of the list at hand */
    struct values values;       /* of the entry at hand */
    uint32_t no;                /* what was seen last */
    struct import_told *told;   /* of a device's row; NULL: not to be told (import.h) */
    struct buf *days;           /* that it names */
    struct apply_tally enterprises, products, apps, users, devices;
    unsigned associated, dissociated;
};

/* One element of a list, or a row. */
struct apply_entry {
    struct apply *apply;
    const char *list;
    size_t index; /* of a row: its line */
    struct apply_tally *tally;
};

/* --- mistakes and secrets ------------------------------------------------------------------------ */

/* "devices[3].mac: missing", "line 3: mac: missing"; field "" stands for the entry itself. Never says a secret. */
void apply_mistake(const struct apply_entry *e, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "enterprise 1f…: generated enterprise_secret 9c…" */
void apply_generated(const struct apply_entry *e, const char *what, const char *key, const char *field,
                     const char *value);

/* --- fields -------------------------------------------------------------------------------------- */

enum apply_field_type {
    APPLY_OWN, /* read, and written, by the kind's own code */
    APPLY_TEXT,
    APPLY_CODE, /* a text that a spreadsheet may have spoilt (id_spoilt): digits, or ids of others */
    APPLY_BOOL,
    APPLY_COUNT, /* uint32_t */
    APPLY_TIME,  /* Unix seconds; cannot be cleared */
    APPLY_WORD,  /* an enum, told by its words */
};

struct apply_field {
    const char *name;
    enum apply_field_type type;
    size_t offset, size;
    const char *const *words; /* ended by NULL */
    enum import_cell cell;    /* APPLY_OWN */
};

/* clang-format off */
#define FIELD(name, type, row, member) \
    { name, type, offsetof(struct row, member), sizeof(((struct row *)0)->member), NULL, CELL_TEXT }
/* clang-format on */
/* Read by the kind's own code, into this member or, if it is of no row, into none. */
#define OWN_FIELD(name, row, member) OWN_CELL(name, row, member, CELL_TEXT)
/* clang-format off */
#define OWN_CELL(name, row, member, cell) \
    { name, APPLY_OWN, offsetof(struct row, member), sizeof(((struct row *)0)->member), NULL, cell }
/* clang-format on */
#define OTHER_FIELD(name) OTHER_CELL(name, CELL_TEXT)
#define OTHER_CELL(name, cell)            \
    {                                     \
        name, APPLY_OWN, 0, 0, NULL, cell \
    }

/* Puts an entry's fields into its row; null takes the value from defaults. What is not in the table
 * is a mistake. */
void apply_fields(const struct apply_entry *e, const struct apply_field *fields, size_t count, void *row,
                  const void *defaults);
/* One of them, if the entry has it. */
void apply_field(const struct apply_entry *e, const struct apply_field *field, void *row, const void *defaults);

/* What an entry makes of its thing. */
struct apply_change {
    enum registry_kind kind;
    const char *id;
    const struct apply_field *fields;
    size_t field_count;
    const void *before, *row; /* each begins with its number: 0 is one that is not there */
    size_t size;
    const char *more; /* what else than its row has changed, in a word; NULL: nothing */
};
#define APPLY_CHANGE(kind, id, before, row)                                                   \
    {                                                                                         \
        kind, id, fields, sizeof(fields) / sizeof(*fields), before, row, sizeof(*(row)), NULL \
    }

/* Whether it has to be put, since it is new or its row differs. */
bool apply_differs(const struct apply_change *c);
/* Counts the entry, after it was put, and enters in the audit log what it has created or changed: for a change, the
 * names of the fields in which the rows differ. That a row of an import has created something is left to the entry for
 * all of its file. */
MU_MUST_USE enum mu_err apply_count(const struct apply_entry *e, const struct apply_change *c);

enum given { GIVEN_NOT, GIVEN_WELL, GIVEN_WRONG };

/* A key or a secret: a text of a form that cannot be cleared. GIVEN_WRONG was told already. */
enum given apply_text(const struct apply_entry *e, const char *field, bool (*valid)(struct str), const char *form,
                      char *out, size_t size);
enum given apply_id(const struct apply_entry *e, const char *field, char out[ID_HEX_LEN + 1]);
/* An id of something else, which the entry names: GIVEN_WELL only if it is there. The getter is a
 * tx_…_by_…; what: "app". */
#define apply_reference(e, field, what, getter, given, row)                                          \
    __extension__({                                                                                  \
        char id_[ID_HEX_LEN + 1];                                                                    \
        enum mu_err err_ = MU_OK;                                                                    \
        *(given) = apply_id(e, field, id_);                                                          \
        if (*(given) == GIVEN_WELL && (err_ = getter((e)->apply->tx, id_, row)) == MU_E_NOT_FOUND) { \
            apply_mistake(e, field, "there is no such " what);                                       \
            *(given) = GIVEN_WRONG;                                                                  \
            err_ = MU_OK;                                                                            \
        }                                                                                            \
        err_;                                                                                        \
    })
/* The thing of the id that the entry gives, or a new one: row->no is 0 then, and without an id it gets one, which
 * rows of an import have to give. id: the row's member. */
#define apply_find(e, field, what, getter, id, given, row) \
    __extension__({                                        \
        enum mu_err err_ = MU_E_NOT_FOUND;                 \
        *(given) = apply_id(e, field, id);                 \
        if (*(given) == GIVEN_NOT)                         \
            apply_new_id(e, what, field, id);              \
        else if (*(given) == GIVEN_WELL)                   \
            err_ = getter((e)->apply->tx, id, row);        \
        err_ == MU_E_NOT_FOUND ? MU_OK : err_;             \
    })
void apply_new_id(const struct apply_entry *e, const char *what, const char *field, char id[ID_HEX_LEN + 1]);
/* The product of an entry that changes none. */
MU_MUST_USE enum mu_err apply_product_named(const struct apply_entry *e, enum given *given);
/* What the entry gives; NULL: nothing. */
const struct value *apply_value(const struct apply_entry *e, const char *field);
bool apply_is_null(const struct apply_entry *e, const char *field);
bool apply_is_true(const struct apply_entry *e, const char *field);
/* Of an entry of a file. */
const json_t *apply_given_json(const struct apply_entry *e, const char *field);
/* A truth that is not stored as it is given; *out stays as it is unless GIVEN_WELL. */
enum given apply_bool(const struct apply_entry *e, const char *field, bool *out);
/* The device that an entry names by its did, or by product_key and mac; MU_E_NOT_FOUND if there is
 * none, or a mistake was told. */
MU_MUST_USE enum mu_err apply_device_named(const struct apply_entry *e, struct device_row *row);

/* The products named by a list of keys, in ascending order, none twice; *products is malloc'ed.
 * GIVEN_WELL also for null, which names none. */
MU_MUST_USE enum mu_err apply_product_keys(const struct apply_entry *e, enum given *given, uint32_t **products,
                                           size_t *count);
bool apply_has_number(const uint32_t *numbers, size_t count, uint32_t number);

/* Notes that an entry means the thing of this number; tells a mistake if another one did. Before the
 * thing is changed, or after it was made. */
MU_MUST_USE enum mu_err apply_see(const struct apply_entry *e, uint32_t no);
bool apply_seen(const struct apply_entry *e, uint32_t no);

/* --- keys ----------------------------------------------------------------------------------------- */

/* An entry without the id in `field` is to make a new thing of this kind and name. A mistake is told if there is
 * one of that name already: the entry was taken before, and forgot which one it made. */
MU_MUST_USE enum mu_err apply_new_name(const struct apply_entry *e, enum registry_kind kind, const char *field,
                                       const char *name);
/* Likewise of a user, by what he logs in with. */
MU_MUST_USE enum mu_err apply_new_user(const struct apply_entry *e, const struct user_row *row);

/* --- macs ----------------------------------------------------------------------------------------- */

/* Notes how the mac of an entry that is not refused is written. */
void apply_note_mac(struct apply *a, uint32_t product, const char *mac);
/* import_warnings, within a transaction. */
MU_MUST_USE enum mu_err apply_mac_warnings(struct registry_tx *tx, const struct import_mac_tally *styled, size_t count,
                                           struct buf *out);

/* --- the kinds ----------------------------------------------------------------------------------- */

MU_MUST_USE enum mu_err apply_enterprise(const struct apply_entry *e);
MU_MUST_USE enum mu_err apply_product(const struct apply_entry *e);
MU_MUST_USE enum mu_err apply_app(const struct apply_entry *e);
MU_MUST_USE enum mu_err apply_user(const struct apply_entry *e);
MU_MUST_USE enum mu_err apply_device(const struct apply_entry *e);
/* What the entry tells beside it, into `told` and `days`. */
MU_MUST_USE enum mu_err apply_told(const struct apply_entry *e);
MU_MUST_USE enum mu_err apply_group(const struct apply_entry *e);
MU_MUST_USE enum mu_err apply_binding(const struct apply_entry *e);

struct apply_field_list {
    const struct apply_field *at;
    size_t count;
};
#define FIELD_LIST(array)                       \
    {                                           \
        array, sizeof(array) / sizeof(*(array)) \
    }
extern const struct apply_field_list apply_enterprise_fields, apply_product_fields, apply_app_fields, apply_user_fields,
    apply_device_fields, apply_told_fields, apply_group_fields, apply_binding_fields;

/* A product's definition in the form that GET datapoint answers, appended to out. *good is false if
 * there was a mistake, which is told. */
MU_MUST_USE enum mu_err apply_definition(const struct apply_entry *e, const json_t *json,
                                         const struct product_row *product, struct buf *out, bool *good);

/* The outcome of a file that has no mistakes, into the report. */
MU_MUST_USE enum mu_err apply_report(struct apply *a);

/* Tells a mistake, or with `force` warns, if a definition moves what devices of the product report. */
MU_MUST_USE enum mu_err apply_layout(const struct apply_entry *e, const struct product_row *row,
                                     const struct datapoint_plan *after);

/* After all products: exactly those that each enterprise of the list names become its own. */
MU_MUST_USE enum mu_err apply_associations(struct apply *a, const json_t *enterprises, const uint32_t *enterprise_nos);

#endif
