#include "fleet/check_internal.h"

/* Records are numbered without a gap from the oldest that is kept; the state, which is written in the
 * batch of the newest, says the same numbers. */

static void end_run(struct check *c, const struct run *run, const char *what, uint64_t state,
                    int64_t state_us)
{
    const struct seen *seen = &c->seen[run->device];

    /* What a deleted device said is kept until it expires; its state is not. */
    if (!seen->has_state && !seen->product)
        return;
    if (!seen->has_state)
        findings_mistake(c->findings, "journal, state: device %u has %s and no state", run->device, what);
    else if (state < run->number || (state > run->number && state_us <= run->ts_us))
        findings_mistake(c->findings, "journal, state: device %u has had %llu %s, the newest is number %llu",
                         run->device, (unsigned long long)state, what, (unsigned long long)run->number);
    else if (state_us < run->ts_us)
        findings_mistake(c->findings, "journal, state: device %u: the newest of its %s is of %lld us, the "
                         "state knows %lld us", run->device, what, (long long)run->ts_us,
                         (long long)state_us);
}

static void end_messages(struct check *c)
{
    const struct run *run = &c->messages;
    const struct seen *seen = &c->seen[run->device];

    if (!run->device)
        return;
    end_run(c, run, "messages", seen->messages, seen->last_ts_us);
    if (seen->has_state && seen->messages == run->number && seen->decoded != run->decoded)
        findings_mistake(c->findings, "journal, state: device %u has had %llu decoded messages, the newest "
                         "says %llu", run->device, (unsigned long long)seen->decoded,
                         (unsigned long long)run->decoded);
}

static void end_sessions(struct check *c)
{
    const struct run *run = &c->sessions;

    if (run->device)
        end_run(c, run, "session records", c->seen[run->device].sessions,
                c->seen[run->device].last_session_us);
}

void check_end_records(struct check *c)
{
    end_messages(c);
    end_sessions(c);
}

static void tell(const struct check *c, uint32_t device, const char *what, int64_t ts_us,
                 const char *why)
{
    findings_mistake(c->findings, "journal: device %u, %s of %lld us: %s", device, what, (long long)ts_us,
                     why);
}

static void follow_number(const struct check *c, const struct run *before, uint32_t device, uint64_t number,
                          int64_t ts_us, const char *what)
{
    if (!number || (before->device == device && number != before->number + 1))
        findings_mistake(c->findings, "journal: device %u, %s of %lld us: number %llu follows %llu", device,
                         what, (long long)ts_us, (unsigned long long)number,
                         (unsigned long long)(before->device == device ? before->number : 0));
    if (before->device == device && ts_us <= before->ts_us)
        findings_mistake(c->findings, "journal: device %u, %s of %lld us: the one before is of the same moment",
                         device, what, (long long)ts_us);
}

void check_message(void *check, uint32_t device, const struct journal_message *m)
{
    struct check *c = check;
    const struct seen *seen = check_seen(c, device, "messages");

    c->message_count++;
    if (!seen)
        return;
    if (c->messages.device != device)
        end_messages(c);
    const struct run *before = &c->messages;
    follow_number(c, before, device, m->number, m->ts_us, "the message");
    if (m->decoded_number > m->number ||
        (before->device == device && m->decoded_number != before->decoded + m->decoded) ||
        (m->decoded && !m->decoded_number))
        tell(c, device, "the message", m->ts_us, "the number of decoded messages is wrong");
    if (m->decoded && (m->kind != MESSAGE_DEV2APP || !m->definition))
        tell(c, device, "the message", m->ts_us, "is decoded and cannot be");
    if (seen->product && m->definition && !fleet_definition(c->fleet, seen->product, m->definition))
        tell(c, device, "the message", m->ts_us, "its product does not have that version of the definition");
    c->messages = (struct run){ device, m->number, m->decoded_number, m->ts_us };
}

void check_session(void *check, uint32_t device, const struct journal_session *s)
{
    struct check *c = check;

    c->session_count++;
    if (!check_seen(c, device, "session records"))
        return;
    if (c->sessions.device != device)
        end_sessions(c);
    follow_number(c, &c->sessions, device, s->number, s->ts_us, "the session record");
    if (!s->end && (!s->boot || s->boot > journal_boot(c->journal).number))
        tell(c, device, "the login", s->ts_us, "is of a start that has not been yet");
    c->sessions = (struct run){ .device = device, .number = s->number, .ts_us = s->ts_us };
}
