#include "access/access_private.h"

#include "access/session.h"

/* What the operator asks about one device: its session, as the session's own loop sees it, and the
 * refusals of late. */

struct describe_question {
    struct mail mail; /* first */
    struct access_loop *home;
    session_handle handle;
    struct access_session *out;
    enum mu_err result;
    bool answered;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

static void describe(const struct session *s, struct access_session *out)
{
    *out = (struct access_session){
        .version = s->version,
        .tls = conn_is_tls(&s->conn),
        .announced_keep_alive = s->announced_keep_alive,
        .keep_alive = session_keep_alive(s),
        .connected_s = heartbeat_connected_ms(&s->heartbeat, session_now(s)) / 1000,
        .silent_s = (session_now(s) - session_seen_ms(s)) / 1000,
        .heartbeats = s->heartbeat.count,
        .hears_controls = session_granted(s, FILTER_CONTROL_ALL) || session_granted(s, FILTER_CONTROL_ANY) ||
                          session_granted(s, FILTER_CONTROL_OURS),
        .paced = s->paced,
        .waiting_controls = outgoing_queued(s),
        .uncommitted = s->uncommitted,
    };
    conn_peer(&s->conn, &out->peer);
}

static void answer(struct describe_question *q, enum mu_err result)
{
    pthread_mutex_lock(&q->lock);
    q->result = result;
    q->answered = true;
    pthread_cond_signal(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

static void deliver(struct mail *m, struct loop *loop)
{
    struct describe_question *q = (struct describe_question *)m;
    const struct session *s = session_slab_find(&q->home->sessions, q->handle);

    (void)loop;
    if (s && s->state == SESSION_LIVE)
        describe(s, q->out);
    answer(q, s && s->state == SESSION_LIVE ? MU_OK : MU_E_OFFLINE);
}

static void drop(struct mail *m)
{
    answer((struct describe_question *)m, MU_E_OFFLINE);
}

enum mu_err access_find_session(struct access *a, uint32_t device, struct access_session *out)
{
    session_handle handle = session_table_get(a->table, device);
    struct describe_question q = {
        .mail = { .deliver = deliver, .drop = drop },
        .handle = handle,
        .out = out,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };

    if (handle == 0)
        return MU_E_OFFLINE;
    q.home = a->loops[session_handle_loop(handle)];
    loop_post(q.home->loop, &q.mail);
    pthread_mutex_lock(&q.lock);
    while (!q.answered)
        pthread_cond_wait(&q.changed, &q.lock);
    pthread_mutex_unlock(&q.lock);
    pthread_cond_destroy(&q.changed);
    pthread_mutex_destroy(&q.lock);
    return q.result;
}

unsigned access_find_refusals(struct access *a, struct str name, struct refusal out[REFUSALS_PER_NAME])
{
    return refusals_get(a->refusals, name, out);
}
