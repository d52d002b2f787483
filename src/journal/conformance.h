#ifndef MUSTER_JOURNAL_CONFORMANCE_H
#define MUSTER_JOURNAL_CONFORMANCE_H

#include "journal/journal_fixture.h"

/* What journal.h promises holds in every store, and what journal_nodes.h promises in those that several nodes can open. The tests conformance_*_test.c run over each of them; a test's state is
 * the place of its own store, which open_store opens as often as it wants. */

enum conformance_store { STORE_FAKE, STORE_ROCKS, STORE_POSTGRES };
extern enum conformance_store conformance_store; /* the one that runs now */

int conformance_make(void **state);
int conformance_remove(void **state);
#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, conformance_make, conformance_remove)

/* A new start. Retention is 7 days, and the clock is believed at once. */
struct journal *open_store(const char *place);
void close_store(struct journal *j);

/* A start of one node of several, which journal_close ends. */
struct journal *open_node(const char *place);

/* Runs the tests over each store; what main returns. */
int conformance_run(const struct CMUnitTest *tests, size_t count);
/* Over those that several nodes can open. */
int conformance_run_shared(const struct CMUnitTest *tests, size_t count);

#endif
