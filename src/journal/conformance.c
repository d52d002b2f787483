#include "journal/conformance.h"

#include "journal/fake_journal.h"
#include "journal/journal_driver.h"
#include "journal/postgres_fixture.h"

/* The stores of the conformance suite. */

enum conformance_store conformance_store;

static const char *const names[] = { "in memory", "RocksDB", "PostgreSQL" };

/* The one in memory is there until the test ends; closing it is only a new start. */
static struct journal *fake;

int conformance_make(void **state)
{
    switch (conformance_store) {
    case STORE_FAKE:
        fake = fake_journal_new(0);
        fake_journal_keep(fake, 7);
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

int conformance_run(const struct CMUnitTest *tests, size_t count)
{
    int failed = 0;

    for (conformance_store = STORE_FAKE; conformance_store <= STORE_POSTGRES; conformance_store++) {
        bool postgres = conformance_store == STORE_POSTGRES;
        failed += _cmocka_run_group_tests(names[conformance_store], tests, count, postgres ? pg_fixture_start : NULL,
                                          postgres ? pg_fixture_stop : NULL);
    }
    return failed;
}
