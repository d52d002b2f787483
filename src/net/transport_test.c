#include "base/unit_test.h"

#include <stdlib.h>

#include <string.h>

#include "net/conn_fixture.h"

/* A connection over something that has no descriptor: what is read are the bytes of `input`, then, if
 * it says so, the end; what is written lands in `output`. */
static struct {
    struct transport via; /* first */
    const char *input;
    bool ends;
    size_t at_most; /* of one read, and of one write */
    char output[64];
    size_t output_len;
    unsigned closed;
} line;

static enum transport_status line_read(struct conn *c, uint8_t *bytes, size_t size, size_t *len)
{
    size_t n = strlen(line.input);

    (void)c;
    if (n == 0)
        return line.ends ? TRANSPORT_EOF : TRANSPORT_AGAIN;
    n = n < line.at_most ? n : line.at_most;
    n = n < size ? n : size;
    memcpy(bytes, line.input, n);
    line.input += n;
    *len = n;
    return TRANSPORT_OK;
}

static enum transport_status line_write(struct conn *c, const uint8_t *bytes, size_t len, size_t *sent)
{
    (void)c;
    *sent = len < line.at_most ? len : line.at_most;
    memcpy(line.output + line.output_len, bytes, *sent);
    line.output_len += *sent;
    return *sent == len ? TRANSPORT_OK : TRANSPORT_AGAIN;
}

static bool line_has_input(const struct conn *c)
{
    (void)c;
    return *line.input || line.ends;
}

static void line_close(struct conn *c)
{
    assert_ptr_equal(c->state, &line);
    line.closed++;
}

static enum mu_err line_open(const struct transport *via, struct conn *c)
{
    (void)via;
    c->state = &line;
    return MU_OK;
}

static void open_line(struct conn_fixture *f, size_t at_most)
{
    memset(&line, 0, sizeof(line));
    line.via = (struct transport){ line_open, line_read, line_write, line_has_input, NULL, line_close };
    line.input = "";
    line.at_most = at_most;
    assert_int_equal(owner_open(f->o, -1, &line.via, IN_MAX, OUT_MAX), MU_OK);
}

static void say(void *arg)
{
    line.input = "hello, world";
    transport_ready(arg);
}

static void hang_up(void *arg)
{
    line.ends = true;
    transport_ready(arg);
}

static void what_waits_inside_is_read_to_its_end(void **state)
{
    struct conn_fixture *f = *state;

    open_line(f, 5);
    on_loop(f->loop, say, &f->o->c);
    owner_wait_got(f->o, 12);
    assert_memory_equal(f->o->got.data, "hello, world", 12);
    testing_assert_sleeps(f->loop);
    owner_end(f->o);
    assert_int_equal(line.closed, 1);
}

static void a_paused_owner_gets_it_later(void **state)
{
    struct conn_fixture *f = *state;

    open_line(f, 5);
    on_loop(f->loop, owner_pause_now, f->o);
    on_loop(f->loop, say, &f->o->c);
    on_loop(f->loop, testing_nothing, NULL);
    assert_int_equal(owner_counter(&f->o->data_calls), 0);
    on_loop(f->loop, owner_resume_now, f->o);
    owner_wait_got(f->o, 12);
    owner_end(f->o);
}

static void the_end_comes_behind_the_input(void **state)
{
    struct conn_fixture *f = *state;

    open_line(f, 64);
    line.ends = true;
    on_loop(f->loop, say, &f->o->c);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->got.len, 12);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
    assert_int_equal(line.closed, 1);
}

static void an_end_alone_is_the_end(void **state)
{
    struct conn_fixture *f = *state;

    open_line(f, 64);
    on_loop(f->loop, hang_up, &f->o->c);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static void what_it_takes_is_written_and_the_rest_kept(void **state)
{
    struct conn_fixture *f = *state;
    struct owner_writing w = { .o = f->o, .bytes = (const uint8_t *)"good morning", .len = 12 };

    open_line(f, 4);
    on_loop(f->loop, owner_write_now, &w);
    assert_int_equal(w.err, MU_OK);
    assert_int_equal(w.unsent, 8);
    assert_memory_equal(line.output, "good", 4);
    line.at_most = 64;
    on_loop(f->loop, say, &f->o->c); /* whatever happens to it, output goes first */
    owner_wait_drained(f->o, 1);
    assert_memory_equal(line.output, "good morning", 12);
    owner_end(f->o);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, conn_set_up, conn_tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(what_waits_inside_is_read_to_its_end),
        TEST(a_paused_owner_gets_it_later),
        TEST(the_end_comes_behind_the_input),
        TEST(an_end_alone_is_the_end),
        TEST(what_it_takes_is_written_and_the_rest_kept),
    };
    return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
