#ifndef MUSTER_REGISTRY_REGISTRY_H
#define MUSTER_REGISTRY_REGISTRY_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/findings.h"
#include "base/latency.h"
#include "registry/rows.h"

/* The registry (port): what people configure. Small, relational, transactional. Embedded in SQLite
 * today; nothing here knows that.
 *
 * Every call may take milliseconds and may fail; none runs on an event loop. Any thread.
 * MU_E_FULL: the disk is full; MU_E_IO, MU_E_CORRUPT: see the log. */
struct registry;

enum registry_kind { KIND_ENTERPRISE, KIND_PRODUCT, KIND_APP, KIND_DEVICE, KIND_GROUP, KIND_USER };
/* "enterprise", "product", … in this order and ended by NULL. */
extern const char *const registry_kind_words[];

/* Opens or creates the registry in a directory that exists, bringing an older schema forward. why
 * gets one sentence on failure: MU_E_SCHEMA (newer), MU_E_CORRUPT, MU_E_IO, MU_E_FULL, MU_E_LOCKED
 * (another process is writing). The change feed starts empty: a follower visits everything first.
 *
 * registry_close waits for nothing: the caller has ended all its calls. NULL is allowed. */
MU_MUST_USE enum mu_err registry_open(struct registry **out, const char *dir, char *why, size_t why_size);
void registry_close(struct registry *reg);
/* Opens one that nobody has open, for reading only: nothing in the directory changes, whatever state it
 * was left in. An older one is read as a copy that is brought forward, in a temporary file (MU_E_FULL: it
 * does not fit), by one reading transaction at a time. Nothing may be written to it. */
MU_MUST_USE enum mu_err registry_open_unchanged(struct registry **out, const char *dir, char *why, size_t why_size);

/* The fact that a journal has been made beside it, and is missed if it is not there. */
#define REGISTRY_HAS_JOURNAL "journal"

/* How far it has come, and whose it is: what the journal beside it is compared with. */
struct registry_place {
    bool exists;      /* not to be made yet */
    bool has_journal; /* REGISTRY_HAS_JOURNAL is set */
    uint8_t id[16];   /* of the data directory; all zero: of a version that gave none */
    uint64_t change;  /* number of the last change that the feed has told */
    uint32_t device;  /* the highest number that was given to a device */
};
MU_MUST_USE enum mu_err registry_get_place(struct registry *reg, struct registry_place *out);

/* registry_open in two steps, for a caller that compares something before anything is changed: between the two
 * the registry can only be closed. MU_E_CORRUPT also if it ends before what was acknowledged (base/mark.h). */
MU_MUST_USE enum mu_err registry_look(struct registry **out, const char *dir, struct registry_place *place, char *why,
                                      size_t why_size);
MU_MUST_USE enum mu_err registry_begin(struct registry *reg, char *why, size_t why_size);

/* --- transactions -------------------------------------------------------------------------------
 * A write is a function that runs inside a transaction, in the calling thread or in that of another
 * writer. registry_write returns after the commit is on disk; writes of several threads that wait
 * at the same time share one commit, each isolated from the failure of the others. If the function
 * returns an error, nothing of it stays and registry_write returns that error. Every change of a
 * row that the fleet index follows is entered in the change feed by the put/delete functions
 * themselves, in the same transaction.
 *
 * registry_read runs its function as of one moment, in the calling thread, and never waits for a
 * writer; the functions that change something fail in it. Neither may be called inside the other. */
struct registry_tx;
struct audit_by;
typedef enum mu_err (*registry_fn)(struct registry_tx *tx, void *arg);
MU_MUST_USE enum mu_err registry_write(struct registry *reg, registry_fn fn, void *arg);
MU_MUST_USE enum mu_err registry_read(struct registry *reg, registry_fn fn, void *arg);

/* Reads inside a transaction see its own writes. MU_E_NOT_FOUND if there is none. */
MU_MUST_USE enum mu_err tx_enterprise_by_id(struct registry_tx *tx, const char *enterprise_id,
                                            struct enterprise_row *out);
MU_MUST_USE enum mu_err tx_enterprise_by_no(struct registry_tx *tx, uint32_t no, struct enterprise_row *out);
MU_MUST_USE enum mu_err tx_product_by_key(struct registry_tx *tx, const char *product_key, struct product_row *out);
/* Of several products with this secret, rather one of the enterprise. */
MU_MUST_USE enum mu_err tx_product_by_secret(struct registry_tx *tx, const char *product_secret, uint32_t enterprise,
                                             struct product_row *out);
MU_MUST_USE enum mu_err tx_product_by_no(struct registry_tx *tx, uint32_t no, struct product_row *out);
MU_MUST_USE enum mu_err tx_app_by_id(struct registry_tx *tx, const char *appid, struct app_row *out);
MU_MUST_USE enum mu_err tx_user_by_uid(struct registry_tx *tx, const char *uid, struct user_row *out);
MU_MUST_USE enum mu_err tx_user_by_no(struct registry_tx *tx, uint32_t no, struct user_row *out);
MU_MUST_USE enum mu_err tx_device_by_did(struct registry_tx *tx, const char *did, struct device_row *out);
MU_MUST_USE enum mu_err tx_device_by_no(struct registry_tx *tx, uint32_t no, struct device_row *out);
/* The latest registration of a mac: the enabled one (there is at most one), else the one with the
 * highest number. */
MU_MUST_USE enum mu_err tx_device_by_mac(struct registry_tx *tx, uint32_t product, const char *mac,
                                         struct device_row *out);
/* That of a mac which one product alone knows. MU_E_EXISTS: several do. */
MU_MUST_USE enum mu_err tx_device_by_mac_alone(struct registry_tx *tx, const char *mac, struct device_row *out);
MU_MUST_USE enum mu_err tx_device_by_passcode(struct registry_tx *tx, uint32_t product, const char *mac,
                                              const char *passcode, struct device_row *out);
/* All registrations of a mac, the oldest first; *devices is malloc'ed (NULL if there are none). */
MU_MUST_USE enum mu_err tx_devices_of_mac(struct registry_tx *tx, uint32_t product, const char *mac, uint32_t **devices,
                                          size_t *count);
MU_MUST_USE enum mu_err tx_group_by_gid(struct registry_tx *tx, const char *gid, struct group_row *out);
MU_MUST_USE enum mu_err tx_group_by_no(struct registry_tx *tx, uint32_t no, struct group_row *out);
/* The group of a product that has no parent; the oldest, should there be more. */
MU_MUST_USE enum mu_err tx_root_group(struct registry_tx *tx, uint32_t product, struct group_row *out);
/* The group that a mac's registrations are in, 0 if none. */
MU_MUST_USE enum mu_err tx_group_of_mac(struct registry_tx *tx, uint32_t product, const char *mac, uint32_t *group);
/* The binding of a user and a device that holds now; a device's owner's; a device's longest-standing. */
MU_MUST_USE enum mu_err tx_binding_now(struct registry_tx *tx, uint32_t user, uint32_t device, struct binding_row *out);
MU_MUST_USE enum mu_err tx_owner_binding(struct registry_tx *tx, uint32_t device, struct binding_row *out);
MU_MUST_USE enum mu_err tx_oldest_binding(struct registry_tx *tx, uint32_t device, struct binding_row *out);
/* The bindings that hold now of a user, or (0) of a device, the longest-standing first; *bindings is
 * malloc'ed. */
MU_MUST_USE enum mu_err tx_bindings_now(struct registry_tx *tx, uint32_t user, uint32_t device, uint32_t **bindings,
                                        size_t *count);
MU_MUST_USE enum mu_err tx_binding_by_no(struct registry_tx *tx, uint32_t no, struct binding_row *out);
/* Finds the stored binding of the same user and device that is `binding` itself or overlaps it in time. The first of
 * these that there is: one with the same since and until; an overlapping one with the same since; any overlapping one. */
MU_MUST_USE enum mu_err tx_binding_like(struct registry_tx *tx, const struct binding_row *binding,
                                        struct binding_row *out);
/* When a user was bound to a device of a product for the first time: as long as there are both, even
 * if that device is deleted. */
MU_MUST_USE enum mu_err tx_first_bound(struct registry_tx *tx, uint32_t product, uint32_t user, int64_t *since);
/* The enterprise a product is associated with, 0 if none. */
MU_MUST_USE enum mu_err tx_product_enterprise(struct registry_tx *tx, uint32_t product, uint32_t *enterprise);
/* Product numbers in ascending order; *products is malloc'ed (NULL if there are none). */
MU_MUST_USE enum mu_err tx_enterprise_products(struct registry_tx *tx, uint32_t enterprise, uint32_t **products,
                                               size_t *count);
MU_MUST_USE enum mu_err tx_app_products(struct registry_tx *tx, uint32_t app, uint32_t **products, size_t *count);

/* Insert (no == 0; the number is written back) or update by number (MU_E_NOT_FOUND). MU_E_EXISTS:
 * another row has that key; MU_E_NOT_FOUND: a row it refers to is not there.
 *
 * product  `definition` is not written: tx_put_definition and tx_clear_definition say what is in
 *          force
 * app      `enterprise` is not written: it follows from the app's products
 * device   MU_E_EXISTS also if the mac has that passcode under another did, or if the device is
 *          enabled and another one of its mac is
 * group    MU_E_VALUE if the parent is the group itself or below it; MU_E_LIMIT if there were more than
 *          LIMIT_GROUP_LEVELS levels then. Its parent is looked at whether it is another one or not */
MU_MUST_USE enum mu_err tx_put_enterprise(struct registry_tx *tx, struct enterprise_row *row);
MU_MUST_USE enum mu_err tx_put_product(struct registry_tx *tx, struct product_row *row);
MU_MUST_USE enum mu_err tx_put_app(struct registry_tx *tx, struct app_row *row);
MU_MUST_USE enum mu_err tx_put_user(struct registry_tx *tx, struct user_row *row);
MU_MUST_USE enum mu_err tx_put_device(struct registry_tx *tx, struct device_row *row);
MU_MUST_USE enum mu_err tx_put_group(struct registry_tx *tx, struct group_row *row);
MU_MUST_USE enum mu_err tx_put_token(struct registry_tx *tx, const struct token_row *row);

/* A binding begins, or is added as one that has ended; MU_E_EXISTS if the two are bound already. It
 * ends, and stays as what was; it becomes its device's owner's. MU_E_NOT_FOUND: it has ended, or there
 * is no such binding. */
MU_MUST_USE enum mu_err tx_bind(struct registry_tx *tx, struct binding_row *row);
/* The user has been bound to a device of the product then, or earlier. */
MU_MUST_USE enum mu_err tx_note_first_bound(struct registry_tx *tx, uint32_t product, uint32_t user, int64_t since);
MU_MUST_USE enum mu_err tx_unbind(struct registry_tx *tx, uint32_t no, int64_t until);
MU_MUST_USE enum mu_err tx_set_owner(struct registry_tx *tx, uint32_t no);

/* What refers to a thing and is no part of it: it stands in the way of its deletion. */
struct registry_uses {
    uint64_t products; /* of an enterprise */
    uint64_t devices;  /* of a product, in a group */
    uint64_t groups;   /* of a product, directly in a group */
    uint64_t apps;     /* that have a product */
    uint64_t users;    /* of an app */
    uint64_t bindings; /* of a device or a user, that hold now */
};
MU_MUST_USE enum mu_err tx_uses(struct registry_tx *tx, enum registry_kind kind, uint32_t no,
                                struct registry_uses *out);
/* Takes a thing away with all that is a part of it: of an enterprise its tokens; of a product its
 * definitions, its association, the tokens for it and what is remembered of its users; of a device
 * and a user the bindings that were. When a user was bound to a device of a product for the first time
 * stays when the device goes, and goes with the user. MU_E_NOT_FOUND; MU_E_EXISTS: something uses it. */
MU_MUST_USE enum mu_err tx_delete(struct registry_tx *tx, enum registry_kind kind, uint32_t no);
/* Revokes the tokens of an enterprise for a product; 0 = of all, for all. */
MU_MUST_USE enum mu_err tx_delete_tokens(struct registry_tx *tx, uint32_t enterprise, uint32_t product,
                                         uint64_t *deleted);

/* Adds a version of a product's definition and puts it in force; json is in the normal form that
 * GET datapoint answers. The same text as the version in force adds nothing. */
MU_MUST_USE enum mu_err tx_put_definition(struct registry_tx *tx, uint32_t product, struct str json, uint32_t *version);
/* Appends that version. */
MU_MUST_USE enum mu_err tx_definition(struct registry_tx *tx, uint32_t product, uint32_t version, struct buf *out);
MU_MUST_USE enum mu_err tx_clear_definition(struct registry_tx *tx, uint32_t product);

/* A product belongs to one enterprise at most: MU_E_EXISTS if it belongs to another one; the same
 * again changes nothing. MU_E_VALUE: an app has this product and one of another enterprise. */
MU_MUST_USE enum mu_err tx_associate(struct registry_tx *tx, uint32_t enterprise, uint32_t product);
/* Ends the association and the tokens that were given under it; MU_E_NOT_FOUND if there is none. */
MU_MUST_USE enum mu_err tx_dissociate(struct registry_tx *tx, uint32_t enterprise, uint32_t product);
/* Exactly these products; MU_E_VALUE if they belong to more than one enterprise. */
MU_MUST_USE enum mu_err tx_set_app_products(struct registry_tx *tx, uint32_t app, const uint32_t *products,
                                            size_t count);

/* --- devices at the door: the calls that have a rule of their own -------------------------------*/
enum register_outcome {
    REGISTER_CREATED,  /* a new did */
    REGISTER_REPLACED, /* a new did; the mac's enabled one is disabled now (`old`) */
    REGISTER_SAME,     /* same mac and passcode: the did it has; nothing was written */
    REGISTER_BARRED,   /* same mac and passcode, but the operator has disabled it: nothing was written */
    REGISTER_ENABLED,  /* as SAME, but it was disabled before; if another did of the mac was
                           enabled, that one is disabled now (`old`) */
};
struct register_result {
    enum register_outcome outcome;
    struct device_row device;
    uint32_t old; /* number of the device that this registration disabled, 0 if none */
};
struct register_request {
    uint32_t product;
    const char *mac, *passcode;
    bool known_only; /* MU_E_REFUSED unless mac and passcode were imported */
    int64_t now_s;
};
/* device-access 1, "register".
 * MU_E_NOT_FOUND for an unknown product. */
MU_MUST_USE enum mu_err registry_register_device(struct registry *reg, const struct register_request *request,
                                                 struct register_result *out);
/* MU_E_NOT_FOUND; MU_E_EXISTS if it is to be enabled while another device of its mac is. */
MU_MUST_USE enum mu_err registry_set_device_disabled(struct registry *reg, uint32_t device, bool disabled);
/* Keeps where a device connects from, unless the operator has said where it is. Costs a read if
 * that is known already. */
MU_MUST_USE enum mu_err registry_locate_device(struct registry *reg, uint32_t device, const struct place *place,
                                               bool has_coordinates, double longitude, double latitude);

/* --- device groups: the rules of the enterprise's calls (contract, endpoint 12) -------------------
 * In whose name (`by`, audit.h) they change something is entered in the audit log; NULL: not entered.
 * A product's groups are one tree. What is in a group is a mac: all of its registrations are, and one
 * that it makes later. */

/* A child of the group `parent`, or the root if that is NULL. MU_E_EXISTS: there is a root already;
 * MU_E_NOT_FOUND: no such parent; MU_E_REFUSED: it is of another product; MU_E_LIMIT: it is on the
 * deepest level that there can be. */
MU_MUST_USE enum mu_err registry_add_group(struct registry *reg, const struct audit_by *by, uint32_t product,
                                           const char *parent, char gid[ID_HEX_LEN + 1]);
/* What keeps a group from being deleted; groups are told before devices. */
enum group_delete_outcome { GROUP_DELETED, GROUP_GONE, GROUP_HAS_GROUPS, GROUP_HAS_DEVICES };
MU_MUST_USE enum mu_err registry_delete_group(struct registry *reg, const struct audit_by *by, uint32_t group,
                                              enum group_delete_outcome *out);
/* Puts macs into a group, or takes them out of it.
 *
 * reassign  also those that are in another group
 * done      a flag per mac: it is in the group now, or (taking out) it was. False for an unknown mac,
 *           for one that is in another group, and to be taken out for one that is not in this group
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
 * The first user of a device is its owner; when he leaves, the one that has been bound longest is.
 *
 * appid, uid  an app of the enterprise, and a user of that app; to be bound, one that is not disabled
 * done        a flag per device: it is bound to the user now, or (unbinding) it was. False for an
 *             unknown device, one of another product, and to be unbound one that is not bound to him
 *
 * Many devices are done in several transactions: after a failure some may be changed. */
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
/* Ends a binding that holds: the device's and the user's ids are for the audit log. */
MU_MUST_USE enum mu_err tx_end_binding(struct registry_tx *tx, const struct binding_row *binding, const char *did,
                                       const char *uid, int64_t now_s);
enum binding_outcome { BINDING_CHANGED, BINDING_APP_UNKNOWN, BINDING_USER_UNKNOWN };
MU_MUST_USE enum mu_err registry_change_bindings(struct registry *reg, const struct binding_change *c,
                                                 enum binding_outcome *out);

/* Those with expires_at <= now_s. */
MU_MUST_USE enum mu_err registry_delete_expired_tokens(struct registry *reg, int64_t now_s, uint32_t *deleted);

/* --- following ----------------------------------------------------------------------------------
 * The fleet index is a follower: it visits everything once, then what has changed since a number.
 * A visitor's function may be NULL; rows live during the call; an error ends the visit and is
 * returned. Parents come before children: enterprises, products, definitions, associations, apps,
 * groups (a parent before its children), devices, users, bindings, first bindings, tokens; deletions
 * come last, children first. A deletion may name a number that the follower has never seen. Of bindings
 * none is told: they go with their device or user, first bindings with their product or user. */
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
    enum mu_err (*binding)(void *ctx, const struct bound_row *row); /* also those that are over */
    enum mu_err (*first_bound)(void *ctx, const struct first_bound_row *row);
    enum mu_err (*token)(void *ctx, const struct token_row *row, bool removed); /* removed: hash only */
    enum mu_err (*deleted)(void *ctx, enum registry_kind kind, uint32_t no);
};
/* Everything, as of one moment; *seq = the number of the last change contained. */
MU_MUST_USE enum mu_err registry_visit_all(struct registry *reg, const struct registry_visitor *v, uint64_t *seq);
/* How many devices there are. */
MU_MUST_USE enum mu_err registry_count_devices(struct registry *reg, uint32_t *count);
/* What changed after *seq, each thing once, as it is now; *seq moves on if the visit succeeds.
 * MU_E_NOT_FOUND: *seq is from before registry_open or millions of changes back, and what followed
 * it is not kept any more; visit everything anew. */
MU_MUST_USE enum mu_err registry_visit_changes(struct registry *reg, const struct registry_visitor *v, uint64_t *seq);

/* --- queries --------------------------------------------------------------------------------------*/
/* The groups of a product in the order of their numbers; *groups is malloc'ed (NULL if there are
 * none). */
MU_MUST_USE enum mu_err registry_product_groups(struct registry *reg, uint32_t product, struct group_row **groups,
                                                size_t *count);
/* Each mac that is directly in a group, once, in the order of their bytes; an error of fn ends the
 * visit and is returned. MU_E_NOT_FOUND: there is no such group (any more). */
MU_MUST_USE enum mu_err registry_visit_group_macs(struct registry *reg, uint32_t group,
                                                  enum mu_err (*fn)(void *ctx, struct str mac), void *ctx);
/* The devices of a product that are bound to a user now; MU_E_NOT_FOUND for a uid that is unknown, or
 * another enterprise's. *devices is malloc'ed. */
MU_MUST_USE enum mu_err registry_devices_of_user(struct registry *reg, uint32_t product, const char *uid,
                                                 uint32_t **devices, size_t *count);

/* A page of the users that a search finds, the last added first.
 *
 * fn     gets each user of the page; an error ends the search and is returned. is_owner is true for
 *        the owner in a search by did, and false in all others
 * total  is set to the number of all that match, before fn is called */
struct users_page {
    uint64_t skip, limit;
    enum mu_err (*fn)(void *ctx, const struct user_row *user, bool is_owner);
    void *ctx;
    uint64_t total;
};
/* Users of the apps of a product that agree with all that is given; a text without length is not. */
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
 * registry_freeze waits for the write that is under way, keeps others from beginning, remembers what is
 * in the registry now, calls fn and then lets the writes go on: what fn looks at elsewhere is of the
 * same moment. fn neither reads nor writes the registry; its error is returned.
 *
 * The snapshot is copied at leisure, while writes go on; until it is freed, what they replace needs
 * room. registry_snapshot_write makes `dir`/registry.db, synced, a whole registry by itself. */
struct registry_snapshot;
MU_MUST_USE enum mu_err registry_freeze(struct registry *reg, enum mu_err (*fn)(void *ctx), void *ctx,
                                        struct registry_snapshot **out);
/* Bytes that the copy will take. */
MU_MUST_USE enum mu_err registry_snapshot_size(struct registry_snapshot *s, uint64_t *bytes);
struct registry_totals {
    uint64_t enterprises, products, devices, users;
};
/* Of what is in the registry now. */
MU_MUST_USE enum mu_err registry_count(struct registry *reg, struct registry_totals *out);
MU_MUST_USE enum mu_err registry_snapshot_count(struct registry_snapshot *s, struct registry_totals *out);
MU_MUST_USE enum mu_err registry_snapshot_write(struct registry_snapshot *s, const char *dir);
void registry_snapshot_free(struct registry_snapshot *s); /* NULL is allowed */

/* --- checking -------------------------------------------------------------------------------------*/
/* Looks at everything: whether the store is whole, and whether the rows agree with each other. The
 * error is that of the looking, not of what is found. */
MU_MUST_USE enum mu_err registry_check(struct registry *reg, const struct findings *f);
/* The highest number that a device was ever given, 0 if none. */
MU_MUST_USE enum mu_err registry_last_device(struct registry *reg, uint32_t *no);
/* How many enabled devices of which product are where; an error of fn ends the visit. */
MU_MUST_USE enum mu_err registry_visit_device_places(struct registry *reg,
                                                     enum mu_err (*fn)(void *ctx, uint32_t product,
                                                                       const struct place *place, uint64_t devices),
                                                     void *ctx);

/* For /metrics: how its commits went since it was opened. */
struct registry_figures {
    struct latency latency; /* of commits: each with all writes that shared it */
    uint64_t commit_failures;
};
void registry_get_figures(struct registry *reg, struct registry_figures *out);

/* Small facts about the data directory itself ("time_zone"). MU_E_NOT_FOUND if not set, MU_E_LIMIT
 * if it does not fit. */
MU_MUST_USE enum mu_err registry_get_fact(struct registry *reg, const char *name, char *out, size_t size);
MU_MUST_USE enum mu_err registry_set_fact(struct registry *reg, const char *name, const char *value);

#endif
