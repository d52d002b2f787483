#include "check/check_internal.h"

/* Records are numbered without a gap from the oldest that is kept, except where the journal knows of a turn. The state
 * is written in the batch of the newest record, so it has the same numbers, or says that messages may follow. The
 * records of a deleted device are kept until they expire; its state and its turns are not. */

static const char *const list_texts[] = { [LIST_MESSAGES] = "messages", [LIST_SESSIONS] = "session records" };
static const char *const record_texts[] = { [LIST_MESSAGES] = "the message", [LIST_SESSIONS] = "the session record" };

static bool is_turned(const struct check *c, uint32_t device, enum journal_list list, int64_t a_us, int64_t b_us)
{
    return journal_turned(c->journal, device, list, a_us < b_us ? a_us : b_us, a_us < b_us ? b_us : a_us);
}

static void end_run(struct check *c, const struct check_run *run, enum journal_list list, uint64_t state,
                    int64_t state_us)
{
    const struct check_seen *seen = &c->seen[run->device];
    const struct check_record *newest = &run->newest;
    const char *what = list_texts[list];

    if (!seen->has_state)
        findings_mistake(c->findings, "journal, state: device %u has %s and no state", run->device, what);
    else if ((state < newest->number && !(seen->followed && list == LIST_MESSAGES && newest->ts_us > state_us)) ||
             (state > newest->number && state_us <= newest->ts_us &&
              !is_turned(c, run->device, list, state_us, newest->ts_us)))
        findings_mistake(c->findings, "journal, state: device %u has had %llu %s, the newest is number %llu",
                         run->device, (unsigned long long)state, what, (unsigned long long)newest->number);
    else if (state == newest->number && state_us < newest->ts_us)
        findings_mistake(c->findings,
                         "journal, state: device %u: the newest of its %s is of %lld us, the "
                         "state knows %lld us",
                         run->device, what, (long long)newest->ts_us, (long long)state_us);
}

static void end_messages(struct check *c)
{
    const struct check_run *run = &c->messages;
    const struct check_seen *seen = &c->seen[run->device];

    if (!run->device)
        return;
    end_run(c, run, LIST_MESSAGES, seen->messages, seen->last_ts_us);
    if (seen->has_state && seen->messages == run->newest.number && seen->decoded != run->newest.decoded)
        findings_mistake(c->findings,
                         "journal, state: device %u has had %llu decoded messages, the newest "
                         "says %llu",
                         run->device, (unsigned long long)seen->decoded, (unsigned long long)run->newest.decoded);
}

static void end_sessions(struct check *c)
{
    const struct check_run *run = &c->sessions;

    if (run->device)
        end_run(c, run, LIST_SESSIONS, c->seen[run->device].sessions, c->seen[run->device].last_session_us);
}

void check_end_records(struct check *c)
{
    end_messages(c);
    end_sessions(c);
}

static void tell(const struct check *c, uint32_t device, const char *what, int64_t ts_us, const char *why)
{
    findings_mistake(c->findings, "journal: device %u, %s of %lld us: %s", device, what, (long long)ts_us, why);
}

/* Reports a record that does not follow the one before it. true: it has the next number. */
static bool follows(const struct check *c, const struct check_run *before, uint32_t device, enum journal_list list,
                    const struct check_record *r)
{
    bool goes_on = before->device == device;
    const struct check_record *last = &before->last;
    bool numbered = r->number && (!goes_on || r->number == last->number + 1);
    bool later = !goes_on || r->ts_us > last->ts_us;

    if (goes_on && r->number && !(numbered && later) && is_turned(c, device, list, last->ts_us, r->ts_us))
        return false;
    if (!numbered)
        findings_mistake(c->findings, "journal: device %u, %s of %lld us: number %llu follows %llu", device,
                         record_texts[list], (long long)r->ts_us, (unsigned long long)r->number,
                         (unsigned long long)(goes_on ? last->number : 0));
    if (!later)
        tell(c, device, record_texts[list], r->ts_us, "the one before is of the same moment");
    return goes_on && numbered;
}

static void add(struct check_run *run, uint32_t device, const struct check_record *r)
{
    if (run->device != device || r->number > run->newest.number)
        run->newest = *r;
    run->last = *r;
    run->device = device;
}

void check_message(void *check, uint32_t device, const struct journal_message *m)
{
    struct check *c = check;
    const struct check_seen *seen = check_seen(c, device, "messages");
    const struct check_record r = { m->number, m->decoded_number, m->ts_us };
    const char *what = record_texts[LIST_MESSAGES];

    c->message_count++;
    if (!seen || !seen->product)
        return;
    if (c->messages.device != device)
        end_messages(c);
    bool compare = follows(c, &c->messages, device, LIST_MESSAGES, &r);
    if (r.decoded > r.number || (compare && r.decoded != c->messages.last.decoded + m->decoded) ||
        (m->decoded && !r.decoded))
        tell(c, device, what, m->ts_us, "the number of decoded messages is wrong");
    if (m->decoded && (m->kind != MESSAGE_DEV2APP || !m->definition))
        tell(c, device, what, m->ts_us, "is decoded and cannot be");
    if (m->definition && !fleet_definition(c->fleet, seen->product, m->definition))
        tell(c, device, what, m->ts_us, "its product does not have that version of the definition");
    add(&c->messages, device, &r);
}

void check_session(void *check, uint32_t device, const struct journal_session *s)
{
    struct check *c = check;
    const struct check_seen *seen = check_seen(c, device, "session records");
    const struct check_record r = { .number = s->number, .ts_us = s->ts_us };

    c->session_count++;
    if (!seen || !seen->product)
        return;
    if (c->sessions.device != device)
        end_sessions(c);
    (void)follows(c, &c->sessions, device, LIST_SESSIONS, &r);
    if (!s->end && (!s->boot || s->boot > journal_boot(c->journal).number))
        tell(c, device, "the login", s->ts_us, "is of a start that has not been yet");
    add(&c->sessions, device, &r);
}
