#include "journal/conformance.h"

#include "journal/fake_journal.h"
#include "journal/journal_driver.h"
#include "journal/postgres_fixture.h"

/* The stores of the conformance suite. */

enum conformance_store conformance_store;

static const char *const names[] = { "in memory", "RocksDB", "PostgreSQL" };

/* The one in memory is there until the test ends; closing it is only a new start. */
static struct journal *fake;
static uint64_t fake_nodes;

int conformance_make(void **state)
{
    switch (conformance_store) {
    case STORE_FAKE:
        fake = fake_journal_new(0);
        fake_journal_keep(fake, 7);
        fake_nodes = 0;
        *state = NULL;
        return 0;
    case STORE_ROCKS: return make_directory(state);
    default:
        make_database(state);
        *state = strdup(uri);
        return *state ? 0 : -1;
    }
}

int conformance_remove(void **state)
{
    if (conformance_store == STORE_FAKE)
        fake_journal_free(fake);
    else if (conformance_store == STORE_ROCKS)
        return remove_directory(state);
    else
        free(*state);
    return 0;
}

struct journal *open_store(const char *place)
{
    switch (conformance_store) {
    case STORE_FAKE: fake->boot++; return fake;
    case STORE_ROCKS: return open_journal(place);
    default: return open_postgres(place);
    }
}

void close_store(struct journal *j)
{
    if (conformance_store != STORE_FAKE)
        journal_close(j);
}

struct journal *open_node(const char *place)
{
    struct postgres_journal_options options = {
        .name = "node", .shared = true, .retention_days = 7, .clock_patience_s = -1
    };

    return conformance_store == STORE_FAKE ? fake_journal_join(fake, ++fake_nodes)
                                           : open_postgres_with(place, &options);
}

static int run_over(enum conformance_store store, const struct CMUnitTest *tests, size_t count)
{
    bool postgres = store == STORE_POSTGRES;

    conformance_store = store;
    return _cmocka_run_group_tests(names[store], tests, count, postgres ? pg_fixture_start : NULL,
                                   postgres ? pg_fixture_stop : NULL);
}

int conformance_run(const struct CMUnitTest *tests, size_t count)
{
    return run_over(STORE_FAKE, tests, count) + run_over(STORE_ROCKS, tests, count) +
           run_over(STORE_POSTGRES, tests, count);
}

int conformance_run_shared(const struct CMUnitTest *tests, size_t count)
{
    return run_over(STORE_FAKE, tests, count) + run_over(STORE_POSTGRES, tests, count);
}
