/* What of a URI is shown, in all the spellings that people try. No server is needed. */
#include "postgres/pg.h"

#include "base/unit_test.h"

#include <stdio.h>

/* "hunter2" and what is left of it stands for a password. */
static const struct spelling {
    const char *uri, *shown;
    bool unreadable; /* and refused, without libpq's words about it */
} spellings[] = {
    { "postgresql://muster@db/m", "postgresql://muster@db/m", false },
    { "postgres://db", "postgres://db", false },
    { "postgresql://", "postgresql://", false },
    { "postgresql:///m", "postgresql:///m", false },
    { "postgresql://muster@a,b:5433/m", "postgresql://muster@a,b:5433/m", false },
    { "postgresql://muster@[::1]:5432/m", "postgresql://muster@[::1]:5432/m", false },
    { "postgresql://muster:hunter2@[::1]:5432/m", "postgresql://muster@[::1]:5432/m", false },
    { "postgresql://muster:hunter2@a:1,b:2/m", "postgresql://muster@a:1,b:2/m", false },
    { "postgresql://:hunter2@db/m", "postgresql://@db/m", false },
    { "postgresql://muster:@db/m", "postgresql://muster@db/m", false },
    { "postgresql://muster:hun%40ter2@db/m", "postgresql://muster@db/m", false },
    { "postgresql://muster:hun%2Fter2@db/m?sslmode=require", "postgresql://muster@db/m", false },
    { "postgresql://muster:hun?ter2@db/m", "postgresql://muster@db/m", false },
    { "postgresql://muster:hun?ter2@db/m?sslmode=require", "postgresql://muster@db/m", false },
    { "postgresql://muster:hun:ter2@db/m", "postgresql://muster@db/m", false },
    { "postgresql://muster:hun ter2@db/m", "postgresql://muster@db/m", false },
    { "postgresql://muster:hunter2@/m?host=/run", "postgresql://muster@/m", false },
    { "postgresql:///m?host=/run&password=hunter2", "postgresql:///m", false },
    { "postgresql:///m?sslpassword=hunter2&password=hunter3", "postgresql:///m", false },
    { "postgresql:///m?p%61ssword=hunter2", "postgresql:///m", false },
    { "postgresql://db?user=a&password=hunter2", "postgresql://db", false },
    { "postgresql://db/m?user=a@azure&password=hun@ter2", "postgresql://db/m", false },
    { "postgresql://db:5432/m?password=hun@ter2", "postgresql://db", false },
    { "postgresql://muster:hunter2@db:5432/m?password=hun@ter2", "postgresql://muster", false },
    /* Some bytes have to be written as %XX: otherwise libpq finds the host, the port or the name in the password. */
    { "postgresql://muster:hun@ter2@db/m", "postgresql://muster@db/m", true },
    { "postgresql://muster:hun/ter2@db/m", "postgresql://muster@db/m", true },
    { "postgresql://muster:1234/hunter2@db/m", "postgresql://muster@db/m", true },
    { "postgresql://muster:hun/ter2==@db/m?sslmode=require", "postgresql://muster@db/m", true },
    { "postgresql://muster:hun?ter/2@db/m", "postgresql://muster", true },
    { "postgresql://muster:hun/ter?2@db/m", "postgresql://muster", true },
    { "postgresql://muster:hun@ter?2@db/m", "postgresql://muster", true },
    { "postgresql://muster:hunter%2@db/m", "postgresql://muster@db/m", true },
    { "postgresql://muster:hunter%zz@db/m", "postgresql://muster@db/m", true },
    { "postgresql://muster:hunter2@[::1/m", "postgresql://muster@[::1/m", true },
    { "postgresql://muster:hunter2@db/m?hunter2", "postgresql://muster@db/m", true },
    { "postgresql://muster:hunter2@db/m?pasword=hunter2", "postgresql://muster@db/m", true },
    { "postgresql://muster:hunter2@db:5x/m", "postgresql://muster@db:5x/m", true },
    { "postgresql://db/m@x", "postgresql://db/m@x", true },
};

enum { SPELLINGS = sizeof(spellings) / sizeof(*spellings) };

static void of_a_uri_only_what_is_no_secret_is_shown(void **state)
{
    char shown[100];
    (void)state;

    for (size_t i = 0; i < SPELLINGS; i++) {
        pg_show_uri(spellings[i].uri, shown, sizeof(shown));
        assert_string_equal(shown, spellings[i].shown);
    }
    pg_show_uri("postgresql://muster:hunter2@db/m", shown, 12);
    assert_string_equal(shown, "postgresql:");
}

/* Bytes that are shown stay where they are; all others become "x", but for the marks before them. */
static void what_is_not_shown_is_overwritten(void **state)
{
    char uri[100];
    (void)state;

    for (size_t i = 0; i < SPELLINGS; i++) {
        const char *shown = spellings[i].shown;
        size_t len = strlen(spellings[i].uri);
        snprintf(uri, sizeof(uri), "%s", spellings[i].uri);
        pg_hide_secrets(uri);
        assert_int_equal(strlen(uri), len);
        for (size_t at = 0; at < len; at++) {
            if (uri[at] == *shown)
                shown++;
            else
                assert_true(uri[at] == 'x' || ((uri[at] == ':' || uri[at] == '?') && spellings[i].uri[at] == uri[at]));
        }
        assert_string_equal(shown, "");
    }
}

static void a_uri_that_libpq_reads_otherwise_than_it_is_meant_is_refused(void **state)
{
    struct pg_settings settings = { .schema = "public", .event = "pg_failed" };
    struct pg *pg;
    char why[400];
    (void)state;

    for (size_t i = 0; i < SPELLINGS; i++) {
        if (!spellings[i].unreadable)
            continue;
        settings.uri = spellings[i].uri;
        assert_int_equal(pg_open(&pg, &settings, why, sizeof(why)), MU_E_VALUE);
        assert_null(pg);
        assert_string_equal(why,
                            "the URI of the database cannot be read: write special characters of the password as %XX");
    }
}

static void a_uri_is_known_by_its_beginning(void **state)
{
    (void)state;
    assert_true(pg_is_uri("postgres://x") && pg_is_uri("postgresql://x"));
    assert_false(pg_is_uri("/var/lib/muster") || pg_is_uri("host=x") || pg_is_uri("postgresql:/x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_uri_only_what_is_no_secret_is_shown),
        cmocka_unit_test(what_is_not_shown_is_overwritten),
        cmocka_unit_test(a_uri_that_libpq_reads_otherwise_than_it_is_meant_is_refused),
        cmocka_unit_test(a_uri_is_known_by_its_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
