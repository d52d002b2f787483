#ifndef MUSTER_TRANSFER_APPLY_ENTRY_H
#define MUSTER_TRANSFER_APPLY_ENTRY_H

#include "base/json_out.h"
#include "model/datapoint.h"
#include "transfer/apply.h"
#include "registry/apply_rows.h"
#include "registry/audit.h"
#include "transfer/import.h"
#include "transfer/values.h"

/* Reads entries. apply.c calls it for the lists of a file, import.c for rows. apply_entry.c reads fields and reports
 * mistakes, apply_change.c counts and logs what has changed, apply_keys.c finds the things that are meant, and each
 * kind of thing has a file of its own.
 *
 * A mistake does not end the work: the rest is checked too, so that the operator learns of all mistakes at once. At the
 * end, a file with mistakes is rolled back as a whole. Of rows only those with a mistake are left out; so users,
 * devices, groups and bindings are written only if the entry has no mistake. An enum mu_err is returned only for errors
 * that have nothing to do with the entry. */

enum { APPLY_MISTAKES_MAX = 100 };

struct apply_tally {
    unsigned created, updated, unchanged;
};

/* The numbers of the things that entries of one list are about, to notice two entries about the same thing. */
struct apply_seen {
    uint8_t *bits;
    uint32_t size;
};

struct apply {
    struct registry_tx *tx;
    /* The entries are rows of an import. Their mistakes are reported by line and without a limit, and each row must
     * give its key, so that it is found again. */
    bool rows;
    int64_t now_s;
    bool mac_lower, json, force, quiet; /* apply_options */
    struct buf *report;                 /* the mistakes; if there are none, the counts */
    /* What was generated: a line each, or as JSON a list without its brackets. */
    struct buf generated;
    struct json_out generated_json;
    struct buf warnings; /* a line each */
    struct buf styled;   /* struct import_mac_tally each, of devices whose mac is MAC_STYLED */
    unsigned mistakes;
    struct product_row product; /* the product named last; most devices of a file have the same one */
    bool has_groups;            /* whether that product has groups */
    struct apply_seen seen;     /* of the present list */
    struct values values;       /* of the present entry */
    uint32_t no;                /* the number that apply_see noted last */
    struct import_told *told;   /* what a device's row tells (import.h); NULL: it must tell nothing */
    struct buf *days;           /* the days that it names */
    struct apply_tally enterprises, products, apps, users, devices;
    unsigned associated, dissociated;
};

/* One element of a list, or a row. */
struct apply_entry {
    struct apply *apply;
    const char *list;
    size_t index; /* for a row: its line */
    struct apply_tally *tally;
};

/* --- mistakes and secrets -------------------------------------------------------------------------*/

/* "devices[3].mac: missing", "line 3: mac: missing"; field "" stands for the entry itself. Never says a secret. */
void apply_mistake(const struct apply_entry *e, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "enterprise 1f…: generated enterprise_secret 9c…" */
void apply_generated(const struct apply_entry *e, const char *what, const char *key, const char *field,
                     const char *value);

/* --- fields ---------------------------------------------------------------------------------------*/

enum apply_field_type {
    APPLY_OWN, /* the kind's own code reads and writes it */
    APPLY_TEXT,
    APPLY_CODE, /* a text that a spreadsheet may have damaged (id_spoilt): digits, or ids of others */
    APPLY_BOOL,
    APPLY_COUNT, /* uint32_t */
    APPLY_TIME,  /* Unix seconds; cannot be cleared */
    APPLY_WORD,  /* an enum, given as one of its words */
};

struct apply_field {
    const char *name;
    enum apply_field_type type;
    size_t offset, size;
    const char *const *words; /* APPLY_WORD: the words, ended by NULL */
    enum import_cell cell;    /* APPLY_OWN: its type */
};

/* clang-format off */
#define FIELD(name, type, row, member) \
    { name, type, offsetof(struct row, member), sizeof(((struct row *)0)->member), NULL, CELL_TEXT }
/* clang-format on */
/* A field that the kind's own code reads: OWN_… into this member, OTHER_… into no member of the row. */
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

/* Puts an entry's fields into its row. null sets the value from defaults. A field that is not in the table is a
 * mistake. */
void apply_fields(const struct apply_entry *e, const struct apply_field *fields, size_t count, void *row,
                  const void *defaults);
/* Does the same for one field, if the entry has it. */
void apply_field(const struct apply_entry *e, const struct apply_field *field, void *row, const void *defaults);

/* What an entry makes of its thing: the row before and after. */
struct apply_change {
    enum registry_kind kind;
    const char *id;
    const struct apply_field *fields;
    size_t field_count;
    const void *before, *row; /* each begins with its number; 0: there is no such row yet */
    size_t size;
    const char *more; /* what has changed beside the row, in a word; NULL: nothing */
};
#define APPLY_CHANGE(kind, id, before, row)                                                   \
    {                                                                                         \
        kind, id, fields, sizeof(fields) / sizeof(*fields), before, row, sizeof(*(row)), NULL \
    }

/* Whether the row must be put: it is new, or differs. */
bool apply_differs(const struct apply_change *c);
/* Call it after the row was put. Counts the entry, and enters in the audit log what it has created or changed; for a
 * change, the names of the fields in which the rows differ. What rows of an import create is not entered here: one
 * entry for the whole file says it. */
MU_MUST_USE enum mu_err apply_count(const struct apply_entry *e, const struct apply_change *c);

enum given { GIVEN_NOT, GIVEN_WELL, GIVEN_WRONG };

/* Reads a key or a secret: a text with a given form, which cannot be cleared. GIVEN_WRONG: the mistake was reported. */
enum given apply_text(const struct apply_entry *e, const char *field, bool (*valid)(struct str), const char *form,
                      char *out, size_t size);
enum given apply_id(const struct apply_entry *e, const char *field, char out[ID_HEX_LEN + 1]);
/* Reads the id of another thing and gets that thing. GIVEN_WELL only if it exists. getter: tx_…_by_…; what: "app". */
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
/* Finds the thing with the id that the entry gives. row->no is 0 if it is a new thing. If the entry gives no id, a new
 * one is generated; rows of an import must give one. id: the member of the row. */
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
/* Finds the product that an entry of another kind names, and puts it into apply->product. */
MU_MUST_USE enum mu_err apply_product_named(const struct apply_entry *e, enum given *given);
/* The value that the entry gives; NULL: none. */
const struct value *apply_value(const struct apply_entry *e, const char *field);
bool apply_is_null(const struct apply_entry *e, const char *field);
bool apply_is_true(const struct apply_entry *e, const char *field);
/* The same as JSON, for an entry of a file. */
const json_t *apply_given_json(const struct apply_entry *e, const char *field);
/* Reads a boolean that is not stored as it is. *out changes only if GIVEN_WELL. */
enum given apply_bool(const struct apply_entry *e, const char *field, bool *out);
/* The device that an entry names by its did, or by product_key and mac. MU_E_NOT_FOUND: there is none, or a mistake was
 * reported. */
MU_MUST_USE enum mu_err apply_device_named(const struct apply_entry *e, struct device_row *row);

/* The products named by a list of keys, in ascending order, each once; *products is malloc'ed. null names no products
 * and is GIVEN_WELL. */
MU_MUST_USE enum mu_err apply_product_keys(const struct apply_entry *e, enum given *given, uint32_t **products,
                                           size_t *count);
bool apply_has_number(const uint32_t *numbers, size_t count, uint32_t number);

/* Notes that an entry is about the thing with this number. If an earlier entry is about it, too, reports a mistake.
 * Call it before an existing thing is changed, or after a new one was made. */
MU_MUST_USE enum mu_err apply_see(const struct apply_entry *e, uint32_t no);
bool apply_seen(const struct apply_entry *e, uint32_t no);

/* --- keys -----------------------------------------------------------------------------------------*/

/* Call it for an entry without the id in `field`, which makes a new thing of this kind and name. If there is one
 * with that name already, reports a mistake: the entry may have been applied before, and does not say which thing it
 * made. */
MU_MUST_USE enum mu_err apply_new_name(const struct apply_entry *e, enum registry_kind kind, const char *field,
                                       const char *name);
/* The same for a user, by username, phone and email. */
MU_MUST_USE enum mu_err apply_new_user(const struct apply_entry *e, const struct user_row *row);

/* --- macs -----------------------------------------------------------------------------------------*/

/* Notes how the mac of an accepted entry is written. */
void apply_note_mac(struct apply *a, uint32_t product, const char *mac);
/* import_warnings, inside a transaction. */
MU_MUST_USE enum mu_err apply_mac_warnings(struct registry_tx *tx, const struct import_mac_tally *styled, size_t count,
                                           struct buf *out);

/* --- the kinds ------------------------------------------------------------------------------------*/

MU_MUST_USE enum mu_err apply_enterprise(const struct apply_entry *e);
MU_MUST_USE enum mu_err apply_product(const struct apply_entry *e);
MU_MUST_USE enum mu_err apply_app(const struct apply_entry *e);
MU_MUST_USE enum mu_err apply_user(const struct apply_entry *e);
MU_MUST_USE enum mu_err apply_device(const struct apply_entry *e);
/* Reads what the entry tells beside the device, into apply->told and apply->days. */
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

/* Appends a product's definition, in the form that GET datapoint answers, to out. *good is false if there was a
 * mistake; it was reported. */
MU_MUST_USE enum mu_err apply_definition(const struct apply_entry *e, const json_t *json,
                                         const struct product_row *product, struct buf *out, bool *good);

/* Writes the outcome of a file without mistakes into the report. */
MU_MUST_USE enum mu_err apply_report(struct apply *a);

/* If a definition moves the datapoints that devices of the product report: reports a mistake, or with `force` a
 * warning. */
MU_MUST_USE enum mu_err apply_layout(const struct apply_entry *e, const struct product_row *row,
                                     const struct datapoint_plan *after);

/* Call it after all products: each enterprise of the list gets exactly the products that it names. */
MU_MUST_USE enum mu_err apply_associations(struct apply *a, const json_t *enterprises, const uint32_t *enterprise_nos);

#endif
