#ifndef MUSTER_REGISTRY_REGISTRY_H
#define MUSTER_REGISTRY_REGISTRY_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/findings.h"
#include "base/latency.h"
#include "registry/rows.h"

/* The registry (port): what people configure. It is small, relational and transactional. SQLite implements it; this
 * header does not depend on that.
 *
 * Every call may take milliseconds and may fail; none may run on an event loop. Any thread. MU_E_FULL: the disk is
 * full. MU_E_IO, MU_E_CORRUPT: the log says more. */
struct registry;
struct pg_schema;

enum registry_kind { KIND_ENTERPRISE, KIND_PRODUCT, KIND_APP, KIND_DEVICE, KIND_GROUP, KIND_USER };
/* "enterprise", "product", … in the order of the enum, ended by NULL. */
extern const char *const registry_kind_words[];

/* Opens the registry in a directory that exists, or creates it there, and updates an older schema. On failure why gets
 * one sentence: MU_E_SCHEMA (the schema is newer), MU_E_CORRUPT, MU_E_IO, MU_E_FULL, MU_E_LOCKED (another process is
 * writing). The change feed starts empty: a follower visits everything first.
 *
 * registry_close waits for nothing: the caller has ended all its calls before. NULL is allowed. */
MU_MUST_USE enum mu_err registry_open(struct registry **out, const char *dir, char *why, size_t why_size);
void registry_close(struct registry *reg);
/* Opens a registry that nobody has open, for reading only. Nothing in the directory changes, whatever state it is in.
 * If the schema is older, a copy in a temporary file is updated and read instead (MU_E_FULL: no room for it), by one
 * reading transaction at a time. Nothing may be written to the registry. */
MU_MUST_USE enum mu_err registry_open_unchanged(struct registry **out, const char *dir, char *why, size_t why_size);

/* Opens the registry in a PostgreSQL database, by a URI of libpq. Several processes may have it open. MU_E_SCHEMA: its
 * tables are missing, older or newer; MU_E_CLOSED: it cannot be reached. The change feed goes on where it was.
 *
 * If the connection breaks during a commit, the commit is looked for on a new connection. registry_write returns
 * MU_E_IO only if it did not happen, or if this could not be found out in five seconds. */
MU_MUST_USE enum mu_err registry_open_store(struct registry **out, const char *uri, char *why, size_t why_size);
/* The same for a caller that writes nothing. A database that was never opened stays without an identity. */
MU_MUST_USE enum mu_err registry_open_store_unchanged(struct registry **out, const char *uri, char *why,
                                                      size_t why_size);
/* From here on what it writes belongs to a start of the journal, and ends with it (journal_end_boot). Before other
 * threads use it. */
MU_MUST_USE enum mu_err registry_work_for(struct registry *reg, uint64_t start);
/* Its tables, for pg_schema_migrate (postgres/pg.h). */
extern const struct pg_schema registry_schema;

/* The name of a fact: a journal was made beside the registry. If the fact is set and there is no journal, it was
 * lost. */
#define REGISTRY_HAS_JOURNAL "journal"

/* How far the registry is, and to which data directory it belongs. The journal beside it is compared with this. */
struct registry_place {
    bool exists;      /* false: there is no registry yet */
    bool has_journal; /* REGISTRY_HAS_JOURNAL is set */
    uint8_t id[16];   /* of the data directory; all zero: made by a version that gave none */
    uint64_t change;  /* number of the last change that was entered in the feed */
    uint32_t device;  /* the highest number ever given to a device */
};
MU_MUST_USE enum mu_err registry_get_place(struct registry *reg, struct registry_place *out);

/* registry_open in two steps, for a caller that compares something before anything is changed. Between the two calls
 * the registry can only be closed. MU_E_CORRUPT also if the registry ends before what was acknowledged
 * (base/mark.h). */
MU_MUST_USE enum mu_err registry_look(struct registry **out, const char *dir, struct registry_place *place, char *why,
                                      size_t why_size);
MU_MUST_USE enum mu_err registry_begin(struct registry *reg, char *why, size_t why_size);

/* --- transactions -------------------------------------------------------------------------------
 * A write is a function that runs inside a transaction: in the calling thread, or in the thread of another writer.
 * registry_write returns after the commit is on disk. Writes of several threads that wait at the same time share one
 * commit; the failure of one does not affect the others. If the function returns an error, none of its changes stays,
 * and registry_write returns that error. The put and delete functions enter each change of a row that the fleet index
 * follows in the change feed, in the same transaction.
 *
 * registry_read runs its function in the calling thread, on the state of one moment, and never waits for a writer.
 * Functions that change something fail inside it. Neither of the two may be called inside the other. */
struct registry_tx;
struct audit_by;
typedef enum mu_err (*registry_fn)(struct registry_tx *tx, void *arg);
MU_MUST_USE enum mu_err registry_write(struct registry *reg, registry_fn fn, void *arg);
MU_MUST_USE enum mu_err registry_read(struct registry *reg, registry_fn fn, void *arg);

/* A read inside a transaction sees the transaction's own writes. MU_E_NOT_FOUND: there is no such row. */
MU_MUST_USE enum mu_err tx_enterprise_by_id(struct registry_tx *tx, const char *enterprise_id,
                                            struct enterprise_row *out);
MU_MUST_USE enum mu_err tx_enterprise_by_no(struct registry_tx *tx, uint32_t no, struct enterprise_row *out);
MU_MUST_USE enum mu_err tx_product_by_key(struct registry_tx *tx, const char *product_key, struct product_row *out);
/* If several products have this secret, a product of the enterprise is preferred. */
MU_MUST_USE enum mu_err tx_product_by_secret(struct registry_tx *tx, const char *product_secret, uint32_t enterprise,
                                             struct product_row *out);
MU_MUST_USE enum mu_err tx_product_by_no(struct registry_tx *tx, uint32_t no, struct product_row *out);
MU_MUST_USE enum mu_err tx_app_by_id(struct registry_tx *tx, const char *appid, struct app_row *out);
MU_MUST_USE enum mu_err tx_user_by_uid(struct registry_tx *tx, const char *uid, struct user_row *out);
MU_MUST_USE enum mu_err tx_user_by_no(struct registry_tx *tx, uint32_t no, struct user_row *out);
MU_MUST_USE enum mu_err tx_device_by_did(struct registry_tx *tx, const char *did, struct device_row *out);
MU_MUST_USE enum mu_err tx_device_by_no(struct registry_tx *tx, uint32_t no, struct device_row *out);
/* The latest registration of a mac: the enabled one (there is at most one). If none is enabled: the one with the
 * highest number. */
MU_MUST_USE enum mu_err tx_device_by_mac(struct registry_tx *tx, uint32_t product, const char *mac,
                                         struct device_row *out);
/* The latest registration of a mac that only one product knows. MU_E_EXISTS: several products know it. */
MU_MUST_USE enum mu_err tx_device_by_mac_alone(struct registry_tx *tx, const char *mac, struct device_row *out);
MU_MUST_USE enum mu_err tx_device_by_passcode(struct registry_tx *tx, uint32_t product, const char *mac,
                                              const char *passcode, struct device_row *out);
/* What a registration of a mac has to know: the device with that passcode, the one that is enabled, and the group that
 * the mac is in. no == 0, group == 0: there is none. It is one look, since a registry may be far away. */
struct mac_look {
    struct device_row same, enabled;
    uint32_t group;
};
MU_MUST_USE enum mu_err tx_look_at_mac(struct registry_tx *tx, uint32_t product, const char *mac, const char *passcode,
                                       struct mac_look *out);
/* All registrations of a mac, the oldest first; *devices is malloc'ed (NULL if there are none). */
MU_MUST_USE enum mu_err tx_devices_of_mac(struct registry_tx *tx, uint32_t product, const char *mac, uint32_t **devices,
                                          size_t *count);
MU_MUST_USE enum mu_err tx_group_by_gid(struct registry_tx *tx, const char *gid, struct group_row *out);
MU_MUST_USE enum mu_err tx_group_by_no(struct registry_tx *tx, uint32_t no, struct group_row *out);
/* The root group of a product: the group without a parent. If there are several, the oldest. */
MU_MUST_USE enum mu_err tx_root_group(struct registry_tx *tx, uint32_t product, struct group_row *out);
/* The group that a mac's registrations are in; 0: none. */
MU_MUST_USE enum mu_err tx_group_of_mac(struct registry_tx *tx, uint32_t product, const char *mac, uint32_t *group);
/* Bindings that hold now: the one between a user and a device; that of a device's owner; the oldest of a device. */
MU_MUST_USE enum mu_err tx_binding_now(struct registry_tx *tx, uint32_t user, uint32_t device, struct binding_row *out);
MU_MUST_USE enum mu_err tx_owner_binding(struct registry_tx *tx, uint32_t device, struct binding_row *out);
MU_MUST_USE enum mu_err tx_oldest_binding(struct registry_tx *tx, uint32_t device, struct binding_row *out);
/* The bindings of a user that hold now; if user is 0, those of a device. The oldest first; *bindings is malloc'ed. */
MU_MUST_USE enum mu_err tx_bindings_now(struct registry_tx *tx, uint32_t user, uint32_t device, uint32_t **bindings,
                                        size_t *count);
MU_MUST_USE enum mu_err tx_binding_by_no(struct registry_tx *tx, uint32_t no, struct binding_row *out);
/* Finds the stored binding of the same user and device that is `binding` itself or overlaps it in time. It is the
 * first of these that exists: one with the same since and until; an overlapping one with the same since; any
 * overlapping one. */
MU_MUST_USE enum mu_err tx_binding_like(struct registry_tx *tx, const struct binding_row *binding,
                                        struct binding_row *out);
/* When a user was first bound to a device of a product. This is kept as long as the user and the product exist, even if
 * that device is deleted. */
MU_MUST_USE enum mu_err tx_first_bound(struct registry_tx *tx, uint32_t product, uint32_t user, int64_t *since);
/* The enterprise that a product is associated with; 0: none. */
MU_MUST_USE enum mu_err tx_product_enterprise(struct registry_tx *tx, uint32_t product, uint32_t *enterprise);
/* Product numbers in ascending order; *products is malloc'ed (NULL if there are none). */
MU_MUST_USE enum mu_err tx_enterprise_products(struct registry_tx *tx, uint32_t enterprise, uint32_t **products,
                                               size_t *count);
MU_MUST_USE enum mu_err tx_app_products(struct registry_tx *tx, uint32_t app, uint32_t **products, size_t *count);

/* Tells that row `at` of these numbers, and then those that follow, are read next by tx_user_by_no, tx_device_by_no or
 * tx_group_by_no. A registry that is far away then sends many at once. Call it before each row. */
MU_MUST_USE enum mu_err tx_ahead(struct registry_tx *tx, enum registry_kind kind, const uint32_t *numbers, size_t count,
                                 size_t at);

/* Inserts a row (no == 0; the new number is written back) or updates it by its number (MU_E_NOT_FOUND: no such row).
 * MU_E_EXISTS: another row has that key. MU_E_NOT_FOUND: a row that this one refers to does not exist.
 *
 *   product  `definition` is not written: tx_put_definition and tx_clear_definition set which version is in force
 *   app      `enterprise` is not written: it follows from the app's products
 *   device   MU_E_EXISTS also if the mac has that passcode under another did, or if the device is enabled and
 *            another device of its mac is enabled, too
 *   group    MU_E_VALUE if the parent is the group itself or below it; MU_E_LIMIT if there would be more than
 *            LIMIT_GROUP_LEVELS levels. The parent is checked even if it does not change */
MU_MUST_USE enum mu_err tx_put_enterprise(struct registry_tx *tx, struct enterprise_row *row);
MU_MUST_USE enum mu_err tx_put_product(struct registry_tx *tx, struct product_row *row);
MU_MUST_USE enum mu_err tx_put_app(struct registry_tx *tx, struct app_row *row);
MU_MUST_USE enum mu_err tx_put_user(struct registry_tx *tx, struct user_row *row);
MU_MUST_USE enum mu_err tx_put_device(struct registry_tx *tx, struct device_row *row);
MU_MUST_USE enum mu_err tx_put_group(struct registry_tx *tx, struct group_row *row);
MU_MUST_USE enum mu_err tx_put_token(struct registry_tx *tx, const struct token_row *row);

/* tx_bind begins a binding, or adds one that has already ended. MU_E_EXISTS: the two are bound already. tx_unbind ends
 * a binding; its row stays, as history. MU_E_NOT_FOUND: it has ended, or does not exist. tx_set_owner makes the user of
 * a binding that holds the owner of its device. */
MU_MUST_USE enum mu_err tx_bind(struct registry_tx *tx, struct binding_row *row);
/* Notes that the user was bound to a device of the product at that time, or earlier. */
MU_MUST_USE enum mu_err tx_note_first_bound(struct registry_tx *tx, uint32_t product, uint32_t user, int64_t since);
MU_MUST_USE enum mu_err tx_unbind(struct registry_tx *tx, uint32_t no, int64_t until);
MU_MUST_USE enum mu_err tx_set_owner(struct registry_tx *tx, uint32_t no);

/* What refers to a thing without being a part of it. A thing that has such uses cannot be deleted. */
struct registry_uses {
    uint64_t products; /* of an enterprise */
    uint64_t devices;  /* of a product; in a group */
    uint64_t groups;   /* of a product; directly in a group */
    uint64_t apps;     /* that have the product */
    uint64_t users;    /* of an app */
    uint64_t bindings; /* of a device or a user, that hold now */
};
MU_MUST_USE enum mu_err tx_uses(struct registry_tx *tx, enum registry_kind kind, uint32_t no,
                                struct registry_uses *out);
/* Deletes a thing with its parts. Those of an enterprise: its tokens. Of a product: its definitions, its association,
 * its tokens, and what is remembered of its users. Of a device or a user: the bindings that have ended. The time when a
 * user was first bound to a device of a product stays when the device is deleted, and goes with the user.
 * MU_E_NOT_FOUND; MU_E_EXISTS: something uses the thing (struct registry_uses). */
MU_MUST_USE enum mu_err tx_delete(struct registry_tx *tx, enum registry_kind kind, uint32_t no);
/* Revokes the tokens of an enterprise for a product. enterprise 0: of all enterprises; product 0: for all products. */
MU_MUST_USE enum mu_err tx_delete_tokens(struct registry_tx *tx, uint32_t enterprise, uint32_t product,
                                         uint64_t *deleted);

/* Adds a version of a product's definition and puts it in force. json is in the normal form that GET datapoint answers.
 * If it equals the version in force, nothing is added. */
MU_MUST_USE enum mu_err tx_put_definition(struct registry_tx *tx, uint32_t product, struct str json, uint32_t *version);
/* Appends the text of that version. */
MU_MUST_USE enum mu_err tx_definition(struct registry_tx *tx, uint32_t product, uint32_t version, struct buf *out);
MU_MUST_USE enum mu_err tx_clear_definition(struct registry_tx *tx, uint32_t product);

/* A product belongs to at most one enterprise. MU_E_EXISTS: it belongs to another one. If it belongs to this one
 * already, nothing changes. MU_E_VALUE: an app has this product and one of another enterprise. */
MU_MUST_USE enum mu_err tx_associate(struct registry_tx *tx, uint32_t enterprise, uint32_t product);
/* Ends the association and revokes the tokens that were given under it. MU_E_NOT_FOUND: there is no association. */
MU_MUST_USE enum mu_err tx_dissociate(struct registry_tx *tx, uint32_t enterprise, uint32_t product);
/* Gives the app exactly these products. MU_E_VALUE: they belong to more than one enterprise. */
MU_MUST_USE enum mu_err tx_set_app_products(struct registry_tx *tx, uint32_t app, const uint32_t *products,
                                            size_t count);

/* --- devices at the door: the calls that have a rule of their own -------------------------------*/
enum register_outcome {
    REGISTER_CREATED,  /* a new did */
    REGISTER_REPLACED, /* a new did; the registration of the mac that was enabled is disabled now (`old`) */
    REGISTER_SAME,     /* same mac and passcode: the same did; nothing was written */
    REGISTER_BARRED,   /* same mac and passcode, but an operator has disabled the device: nothing was written */
    /* Like REGISTER_SAME, but the device was disabled before and is enabled now. If another did of the mac was enabled,
     * that one is disabled now (`old`). */
    REGISTER_ENABLED,
};
struct register_result {
    enum register_outcome outcome;
    struct device_row device;
    uint32_t old; /* number of the device that this registration disabled, 0 if none */
};
struct register_request {
    uint32_t product;
    const char *mac, *passcode;
    bool known_only; /* MU_E_REFUSED unless the registry has this mac and passcode already */
    int64_t now_s;
};
/* device-access 1, "register". MU_E_NOT_FOUND: there is no such product. */
MU_MUST_USE enum mu_err registry_register_device(struct registry *reg, const struct register_request *request,
                                                 struct register_result *out);
/* MU_E_NOT_FOUND. MU_E_EXISTS: another device of its mac is enabled, so this one cannot be. */
MU_MUST_USE enum mu_err registry_set_device_disabled(struct registry *reg, uint32_t device, bool disabled);
/* Stores the place that a device connects from, unless an operator has configured its place. If the place is stored
 * already, this costs one read. */
MU_MUST_USE enum mu_err registry_locate_device(struct registry *reg, uint32_t device, const struct place *place,
                                               bool has_coordinates, double longitude, double latitude);

/* --- device groups: the rules of the enterprise's calls (contract, endpoint 12) -------------------
 * Changes are entered in the audit log in the name of `by` (audit.h); NULL: they are not entered. The groups of a
 * product are one tree. What a group contains is macs: all registrations of a mac are in its group, also later ones. */

/* Adds a child of the group `parent`, or the root if that is NULL. MU_E_EXISTS: there is a root already.
 * MU_E_NOT_FOUND: there is no such parent. MU_E_REFUSED: the parent belongs to another product. MU_E_LIMIT: the parent
 * is on the lowest level allowed. */
MU_MUST_USE enum mu_err registry_add_group(struct registry *reg, const struct audit_by *by, uint32_t product,
                                           const char *parent, char gid[ID_HEX_LEN + 1]);
/* Whether a group was deleted, and if not, why. GROUP_GONE: there is no such group. If it has both groups and devices,
 * the outcome is GROUP_HAS_GROUPS. */
enum group_delete_outcome { GROUP_DELETED, GROUP_GONE, GROUP_HAS_GROUPS, GROUP_HAS_DEVICES };
MU_MUST_USE enum mu_err registry_delete_group(struct registry *reg, const struct audit_by *by, uint32_t group,
                                              enum group_delete_outcome *out);
/* Puts macs into a group, or takes them out of it.
 *
 *   reassign  also moves macs that are in another group
 *   done      a flag for each mac. Assigning: it is in the group now. Unassigning: it was in the group. False for an
 *             unknown mac, for one that stays in another group, and, unassigning, for one that is not in this group
 *
 * MU_E_NOT_FOUND: there is no such group (any more). */
enum group_action { GROUP_ASSIGN, GROUP_UNASSIGN };
struct group_assignment {
    const struct audit_by *by;
    uint32_t product, group;
    enum group_action action;
    bool reassign;
    const char *const *macs;
    bool *done;
    size_t count;
};
MU_MUST_USE enum mu_err registry_assign_group(struct registry *reg, struct group_assignment *a);

/* --- bindings: the rules of the enterprise's calls (contract, endpoint 13) ------------------------
 * The first user of a device is its owner. When the owner is unbound, the user who has been bound longest becomes
 * owner.
 *
 *   appid, uid  an app of the enterprise, and a user of that app; BINDING_BIND: a user who is not disabled
 *   done        a flag for each device. Binding: it is bound to the user now. Unbinding: it was. False for an unknown
 *               device, for one of another product, and, unbinding, for one that is not bound to the user
 *
 * Many devices are changed in several transactions: after a failure some may be changed. */
enum binding_action { BINDING_BIND, BINDING_UNBIND };
struct binding_change {
    const struct audit_by *by;
    enum binding_action action;
    uint32_t enterprise, product;
    const char *appid, *uid;
    int64_t now_s;
    const char *const *dids;
    bool *done;
    size_t count;
};
/* Ends a binding that holds. did and uid, of the device and the user, are for the audit log. */
MU_MUST_USE enum mu_err tx_end_binding(struct registry_tx *tx, const struct binding_row *binding, const char *did,
                                       const char *uid, int64_t now_s);
enum binding_outcome { BINDING_CHANGED, BINDING_APP_UNKNOWN, BINDING_USER_UNKNOWN };
MU_MUST_USE enum mu_err registry_change_bindings(struct registry *reg, const struct binding_change *c,
                                                 enum binding_outcome *out);

/* Deletes the tokens with expires_at <= now_s. */
MU_MUST_USE enum mu_err registry_delete_expired_tokens(struct registry *reg, int64_t now_s, uint32_t *deleted);

/* --- following ----------------------------------------------------------------------------------
 * The fleet index is a follower: it visits everything once, and then what has changed since a number. A function of the
 * visitor may be NULL. Rows are valid during the call. An error of a function ends the visit and is returned.
 *
 * Parents come before children: enterprises, products, definitions, associations, apps, groups (a parent before its
 * children), devices, users, bindings, first bindings, tokens. Deletions come last, children first. A deletion may name
 * a number that the follower has never seen. Deletions of bindings are not reported: bindings go with their device or
 * user, first bindings with their product or user. */
struct registry_visitor {
    void *ctx;
    enum mu_err (*enterprise)(void *ctx, const struct enterprise_row *row);
    enum mu_err (*product)(void *ctx, const struct product_row *row);
    enum mu_err (*definition)(void *ctx, const struct definition_row *row);
    enum mu_err (*association)(void *ctx, const struct association_row *row, bool removed);
    enum mu_err (*app)(void *ctx, const struct app_row *row, const uint32_t *products, size_t count);
    enum mu_err (*group)(void *ctx, const struct group_row *row);
    enum mu_err (*device)(void *ctx, const struct device_row *row);
    enum mu_err (*user)(void *ctx, const struct user_brief *row);
    enum mu_err (*binding)(void *ctx, const struct bound_row *row); /* also those that have ended */
    enum mu_err (*first_bound)(void *ctx, const struct first_bound_row *row);
    enum mu_err (*token)(void *ctx, const struct token_row *row, bool removed); /* removed: only the hash is set */
    enum mu_err (*deleted)(void *ctx, enum registry_kind kind, uint32_t no);
};
/* Visits everything, as of one moment. *seq is set to the number of the last change that the visit contains. */
MU_MUST_USE enum mu_err registry_visit_all(struct registry *reg, const struct registry_visitor *v, uint64_t *seq);
/* The number of devices, disabled ones too. */
MU_MUST_USE enum mu_err registry_count_devices(struct registry *reg, uint32_t *count);
/* Visits what changed after *seq: each thing once, as it is now. If the visit succeeds, *seq moves on. MU_E_NOT_FOUND:
 * the changes after *seq are not kept any more, since *seq is from before registry_open or millions of changes back;
 * visit everything again. */
MU_MUST_USE enum mu_err registry_visit_changes(struct registry *reg, const struct registry_visitor *v, uint64_t *seq);

/* --- queries --------------------------------------------------------------------------------------*/
/* The groups of a product in the order of their numbers; *groups is malloc'ed (NULL if there are none). */
MU_MUST_USE enum mu_err registry_product_groups(struct registry *reg, uint32_t product, struct group_row **groups,
                                                size_t *count);
/* Visits each mac that is directly in a group, once, in the order of its bytes. An error of fn ends the visit and is
 * returned. MU_E_NOT_FOUND: there is no such group (any more). */
MU_MUST_USE enum mu_err registry_visit_group_macs(struct registry *reg, uint32_t group,
                                                  enum mu_err (*fn)(void *ctx, struct str mac), void *ctx);
/* The devices of a product that are bound to a user now; *devices is malloc'ed. MU_E_NOT_FOUND: the uid is unknown, or
 * belongs to another enterprise. */
MU_MUST_USE enum mu_err registry_devices_of_user(struct registry *reg, uint32_t product, const char *uid,
                                                 uint32_t **devices, size_t *count);

/* A page of the users that a search finds. The user that was added last comes first.
 *
 *   fn     gets each user of the page; an error ends the search and is returned. is_owner: in a search by did, whether
 *          the user is the owner of that device; in all other searches false
 *   total  is set to the number of all users that match, before fn is called */
struct users_page {
    uint64_t skip, limit;
    enum mu_err (*fn)(void *ctx, const struct user_row *user, bool is_owner);
    void *ctx;
    uint64_t total;
};
/* Users of the apps of a product who match all texts that are given. A text of length 0 is not given. */
struct registered_users {
    uint32_t product;
    uint32_t app; /* 0 = any */
    struct str username, phone, email;
};
MU_MUST_USE enum mu_err registry_registered_users(struct registry *reg, const struct registered_users *q,
                                                  struct users_page *page);
/* Users that are bound to a device of a product now. */
enum bound_by {
    BOUND_ANY = -1,
    BOUND_BY_UID,
    BOUND_BY_USERNAME,
    BOUND_BY_PHONE,
    BOUND_BY_EMAIL,
    BOUND_BY_DID,
    BOUND_BY_MAC,
    BOUND_BY_DEVICE_SN, /* all registrations of a mac */
};
struct bound_users {
    uint32_t product;
    uint32_t group; /* a device in it or below it; 0 = any */
    enum bound_by by;
    struct str val;
};
MU_MUST_USE enum mu_err registry_bound_users(struct registry *reg, const struct bound_users *q,
                                             struct users_page *page);

/* --- a copy of one moment ---------------------------------------------------------------------------
 * registry_freeze waits for the write that is under way, holds back further writes, remembers the content of the
 * registry, calls fn, and then lets the writes go on. What fn looks at elsewhere is of the same moment. fn must not
 * read or write the registry; its error is returned.
 *
 * The snapshot can be copied slowly while writes go on. Until it is freed, the content that they replace takes room on
 * the disk. registry_snapshot_write makes `dir`/registry.db, synced: a whole registry by itself. */
struct registry_snapshot;
MU_MUST_USE enum mu_err registry_freeze(struct registry *reg, enum mu_err (*fn)(void *ctx), void *ctx,
                                        struct registry_snapshot **out);
/* How many bytes the copy will take. */
MU_MUST_USE enum mu_err registry_snapshot_size(struct registry_snapshot *s, uint64_t *bytes);
struct registry_totals {
    uint64_t enterprises, products, devices, users;
};
/* Counts what is in the registry now. */
MU_MUST_USE enum mu_err registry_count(struct registry *reg, struct registry_totals *out);
MU_MUST_USE enum mu_err registry_snapshot_count(struct registry_snapshot *s, struct registry_totals *out);
MU_MUST_USE enum mu_err registry_snapshot_write(struct registry_snapshot *s, const char *dir);
void registry_snapshot_free(struct registry_snapshot *s); /* NULL is allowed */

/* --- checking -------------------------------------------------------------------------------------*/
/* Checks everything: whether the store is undamaged, and whether the rows agree with each other. An error means that
 * the check could not be made; it does not say what was found. */
MU_MUST_USE enum mu_err registry_check(struct registry *reg, const struct findings *f);
/* The highest number ever given to a device; 0: none. */
MU_MUST_USE enum mu_err registry_last_device(struct registry *reg, uint32_t *no);
/* Visits the number of enabled devices for each product and place. An error of fn ends the visit and is returned. */
MU_MUST_USE enum mu_err registry_visit_device_places(struct registry *reg,
                                                     enum mu_err (*fn)(void *ctx, uint32_t product,
                                                                       const struct place *place, uint64_t devices),
                                                     void *ctx);

/* For /metrics: the commits since the registry was opened. */
struct registry_figures {
    struct latency latency; /* of commits; one commit contains all writes that shared it */
    uint64_t commit_failures;
};
void registry_get_figures(struct registry *reg, struct registry_figures *out);

/* Small facts about the data directory itself ("time_zone"). MU_E_NOT_FOUND: not set. MU_E_LIMIT: it does not fit. */
MU_MUST_USE enum mu_err registry_get_fact(struct registry *reg, const char *name, char *out, size_t size);
MU_MUST_USE enum mu_err registry_set_fact(struct registry *reg, const char *name, const char *value);

#endif
