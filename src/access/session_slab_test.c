#include "base/unit_test.h"

#include "access/session.h"

/* Sessions come and go in their blocks, and handles of ended ones find nothing. */

enum { MANY = 2000 }; /* several blocks */

static struct session *take(struct session_slab *slab)
{
    struct session *s;

    assert_int_equal(session_slab_take(slab, &s), MU_OK);
    return s;
}

static unsigned blocks_of(const struct session_slab *slab)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < slab->block_count; i++)
        n += slab->blocks[i] != NULL;
    return n;
}

static unsigned count_in(const struct session_slab *slab)
{
    unsigned n = 0;

    for (uint32_t at = 0; session_slab_next(slab, &at);)
        n++;
    return n;
}

static void a_session_is_found_until_it_is_given_back(void **state)
{
    (void)state;
    struct session_slab slab = { .loop = 3 };
    struct session *s = take(&slab);
    session_handle first = s->handle;

    assert_int_equal(session_handle_loop(first), 3);
    assert_ptr_equal(session_slab_find(&slab, first), s);
    session_slab_give(&slab, s);
    assert_null(session_slab_find(&slab, first));
    assert_null(session_slab_find(&slab, 0));

    struct session *again = take(&slab);
    assert_ptr_equal(again, s);
    assert_int_not_equal(again->handle, first);
    assert_null(session_slab_find(&slab, first));
    session_slab_give(&slab, again);
    session_slab_free(&slab);
}

static void a_session_that_is_taken_again_is_all_zero(void **state)
{
    (void)state;
    struct session_slab slab = { 0 };
    struct session *s = take(&slab), zero = { 0 };

    memset(s->did, 'x', sizeof(s->did));
    s->uncommitted = s->device = 5;
    s->state = SESSION_LIVE;
    session_slab_give(&slab, s);
    s = take(&slab);
    zero.handle = s->handle;
    assert_memory_equal(s, &zero, sizeof(zero));
    session_slab_give(&slab, s);
    session_slab_free(&slab);
}

static void each_of_many_is_met_once_while_they_end(void **state)
{
    (void)state;
    static session_handle handles[MANY];
    struct session_slab slab = { 0 };
    struct session *s;

    for (uint32_t i = 0; i < MANY; i++) {
        s = take(&slab);
        s->device = i;
        handles[i] = s->handle;
    }
    assert_int_equal(count_in(&slab), MANY);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(session_slab_find(&slab, handles[i])->device, i);
    for (uint32_t at = 0; (s = session_slab_next(&slab, &at));)
        if (s->device % 3)
            session_slab_give(&slab, s);
    assert_int_equal(count_in(&slab), (MANY + 2) / 3);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(session_slab_find(&slab, handles[i]) != NULL, i % 3 == 0);
    session_slab_free(&slab);
}

static void memory_goes_with_the_sessions(void **state)
{
    (void)state;
    static struct session *sessions[MANY];
    struct session_slab slab = { 0 };

    for (unsigned i = 0; i < MANY; i++)
        sessions[i] = take(&slab);
    unsigned most = blocks_of(&slab);
    assert_in_range(most, MANY / 256, MANY / 256 + 1);
    for (unsigned i = 0; i < MANY; i++)
        session_slab_give(&slab, sessions[i]);
    assert_int_equal(blocks_of(&slab), 1);
    for (unsigned i = 0; i < MANY; i++)
        sessions[i] = take(&slab);
    assert_int_equal(blocks_of(&slab), most);
    session_slab_free(&slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_found_until_it_is_given_back),
        cmocka_unit_test(a_session_that_is_taken_again_is_all_zero),
        cmocka_unit_test(each_of_many_is_met_once_while_they_end),
        cmocka_unit_test(memory_goes_with_the_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
