#ifndef MUSTER_FLEET_FLEET_APPLY_H
#define MUSTER_FLEET_FLEET_APPLY_H

#include "fleet/fleet.h"
#include "fleet/quota_file.h"
#include "model/calendar.h"
#include "registry/registry.h"

/* How the fleet changes. Only the committer calls these, on its thread (or before the thread starts). Each takes the
 * write lock itself, unless noted. */

MU_MUST_USE enum mu_err fleet_create(struct fleet **out);
void fleet_destroy(struct fleet *f);
/* The calendar in whose days activations are counted; NULL (and before the call): UTC. Called before there are
 * activations. The calendar must live as long as the fleet. */
void fleet_use_calendar(struct fleet *f, const struct calendar *calendar);
/* The files that keep what enterprises that are put in from now on have used, and what of it was granted to this node
 * (quota_file.h); they must live as long as the fleet. NULL (and before the call): it is in memory. */
void fleet_keep_quotas(struct fleet *f, struct quota_file *quotas, struct quota_file *granted);

/* The visitor that brings registry rows into the fleet, for registry_visit_all and registry_visit_changes. A definition
 * that does not compile is logged and left out (the registry checked it once). */
struct registry_visitor fleet_registry_visitor(struct fleet *f);
/* The same for a rebuild, without the lock: locking a million times takes noticeably longer. Nobody else may use the
 * fleet meanwhile. */
struct registry_visitor fleet_loading_visitor(struct fleet *f);
/* Makes room for `count` more devices. */
MU_MUST_USE enum mu_err fleet_devices_expect(struct fleet *f, uint32_t count);
/* Visits the whole registry again and forgets what is no longer in it: for a follower that has fallen too far behind.
 * Returns the registry's errors. */
MU_MUST_USE enum mu_err fleet_revisit(struct fleet *f, struct registry *reg, uint64_t *seq);
/* The visitor for the journal at the start: states and versions, activity, events. If a state's definition is gone, its
 * image is left out. A device that is gone is left out, and its records will be swept (sweep.h). It takes no lock:
 * nobody else may use the fleet meanwhile. */
struct journal_visitor fleet_journal_visitor(struct fleet *f);
/* The highest device number that the journal visit met and no device has; 0 if there is none. */
uint32_t fleet_last_stranger(const struct fleet *f);
/* After the visit of a journal that other nodes write: devices above all that the registry has told were registered
 * meanwhile. They are not gone, and are not swept. */
void fleet_forget_newcomers(struct fleet *f);
/* After the journal visit: removes devices that are gone from the days of activity. */
void fleet_forget_strangers(struct fleet *f);

/* What the committer keeps per device between batches, without the image. */
struct fleet_progress {
    int64_t last_ts_us, last_session_us;
    uint64_t messages, decoded, sessions;
    int64_t activated_at, online_latest, last_report;
    int32_t active_day;
    uint64_t session_boot; /* as in journal_state */
    uint64_t session;      /* the access module's number of the live session; 0 = offline */
    uint32_t definition;   /* of the image */
    bool numbers_reports;  /* as in journal_state */
};
/* As a state has it; without its definition, which may be gone. */
struct fleet_progress fleet_progress_of(const struct journal_state *s);
/* The highest device number that the registry has told. No lock, as below. */
uint32_t fleet_last_device(const struct fleet *f);
/* Counts a report that could not be decoded, of a device of this product. */
void fleet_count_undecoded(struct fleet *f, uint32_t product, enum undecoded cause);
/* The did of a known device. */
void fleet_did(struct fleet *f, uint32_t no, char out[DID_LEN + 1]);
/* The enterprise_id, also of a deleted enterprise; "" if there never was one. Lives as long as the fleet. */
const char *fleet_enterprise_id(struct fleet *f, uint32_t no);
/* The following answer false, NULL or empty for an unknown device. They take no lock, since only the committer's thread
 * changes anything. */
bool fleet_progress_get(struct fleet *f, uint32_t no, struct fleet_progress *out, const struct fleet_product **product);
/* The number of the session record with which the session began that this node holds; 0: it holds none. */
uint64_t fleet_held_login(struct fleet *f, uint32_t no);
/* This node holds the device's session. */
bool fleet_holds_session(struct fleet *f, uint32_t no);
/* The session that begins, or began, with the session record of that number goes on somewhere, as far as this node has
 * followed. */
bool fleet_session_lives(struct fleet *f, uint32_t no, uint64_t login);
bool fleet_is_faulty(struct fleet *f, uint32_t no);
bool fleet_is_alert(struct fleet *f, uint32_t no);
/* Lives until the next change of the fleet. */
const uint8_t *fleet_image(struct fleet *f, uint32_t no, size_t *len);
void fleet_versions(struct fleet *f, uint32_t no, struct journal_versions *out);

/* Whether the fleet knows that the device was active on the day. */
bool fleet_was_active(struct fleet *f, int32_t day, uint32_t no);

/* A fault or alert event of a device. `point` is the number of a kind and a name, valid for as long as the fleet
 * lives. */
struct fleet_event {
    uint32_t device, point;
    uint32_t definition; /* version under which it was opened */
    int64_t opened_us;
    int64_t resolved_us; /* 0 = open */
};
/* Copies the device's open events, at most cap; returns how many. A point has at most one. No lock, as above. */
size_t fleet_open_events(struct fleet *f, uint32_t no, struct fleet_event *out, size_t cap);
/* The event as the journal keeps it; the name lives as long as the fleet. */
struct journal_event fleet_event_record(struct fleet *f, const struct fleet_event *e);

/* Committed changes of one device: progress, image (NULL = unchanged), presence, faulty, alert. To be called between fleet_apply_begin and fleet_apply_end, which hold the lock for a whole batch. */
struct fleet_change {
    uint32_t no;
    struct fleet_progress progress;
    const uint8_t *image;
    size_t image_len;
    bool faulty, alert; /* of the image; ignored without one */
};
void fleet_apply_begin(struct fleet *f);
void fleet_apply(struct fleet *f, const struct fleet_change *change);
void fleet_apply_versions(struct fleet *f, uint32_t device, const struct journal_versions *v);
void fleet_apply_active(struct fleet *f, int32_t day, uint32_t device);
/* An event that was opened, or an open one that was resolved. */
void fleet_apply_event(struct fleet *f, const struct fleet_event *e);
/* A resolved event that is no longer kept. */
void fleet_forget_event(struct fleet *f, uint32_t device, bool alert, struct str name);
void fleet_apply_end(struct fleet *f);

/* --- other nodes --------------------------------------------------------------------------------
 * Between fleet_apply_begin and fleet_apply_end. An entry of another node's delta (delta.h). A device that the index does not know is left out. */
struct delta_entry;
void fleet_apply_delta(struct fleet *f, const struct delta_entry *e);
/* Tells whether a commit of this node has changed a device between two moments. Takes the lock itself; any thread. */
struct fleet_mark {
    uint64_t messages;
    uint32_t events;   /* how many are counted */
    uint32_t versions; /* number of the set */
};
struct fleet_mark fleet_mark(struct fleet *f, uint32_t no);
/* All events of a device, as the store has them. Between fleet_apply_begin and fleet_apply_end. */
void fleet_replace_events(struct fleet *f, uint32_t device, const struct journal_event *events, size_t count);
/* The devices whose session a start of another node holds are online; or no longer, since that start is over. These two
 * take the lock themselves. */
void fleet_boot_lives(struct fleet *f, uint64_t boot);
void fleet_boot_is_over(struct fleet *f, uint64_t boot);

#endif
