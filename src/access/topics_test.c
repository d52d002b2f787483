#include "base/unit_test.h"

#include "access/topics.h"

/* Topics and filters: own, foreign, unknown and malformed. */

#define DID   "NrnkpgVThKbJUc2wHkqfAD"
#define OTHER "AAAAAAAAAAAAAAAAAAAAAA"
#define KEY   "d4f6c8a25e3b4a1f9c7d0e2b6a8f1c3d"

static enum topic_kind kind_of(const char *topic)
{
    return topic_kind(str_of(topic), STR(DID));
}

static void a_device_publishes_to_its_own_topics_only(void **state)
{
    (void)state;
    assert_int_equal(kind_of("dev2app/" DID), TOPIC_REPORT);
    assert_int_equal(kind_of("dev2app/" DID "/enterprise"), TOPIC_REPORT);
    assert_int_equal(kind_of("cli2ser_req"), TOPIC_REQUEST);
    assert_int_equal(kind_of("cli2ser"), TOPIC_REQUEST);

    assert_int_equal(kind_of("dev2app/" DID "x"), TOPIC_FOREIGN);
    assert_int_equal(kind_of("dev2app/"), TOPIC_FOREIGN);
    assert_int_equal(kind_of("dev2app/cli2ser"), TOPIC_FOREIGN);
    assert_int_equal(kind_of("dev2app/" DID "cli2ser"), TOPIC_FOREIGN);
    assert_int_equal(kind_of("cli2ser_request"), TOPIC_FOREIGN);
    assert_int_equal(kind_of("dev2app/" OTHER), TOPIC_FOREIGN);
}

static void the_first_did_in_a_topic_tells_whose_it_is(void **state)
{
    (void)state;
    static const char *const own[] = {
        "llm/" DID "/config/request", "sys/" DID "/log", DID,     "a/b/" DID "/",     "dev2app/" DID "/",
        "dev2app/" DID "/a/b",        "app2dev/" DID,    "/" DID, "ser2cli_res/" DID, "llm/" DID "/" OTHER
    };
    static const char *const foreign[] = { "llm/" OTHER "/config/request",
                                           "dev2app/" OTHER "/" DID,
                                           "sys/log",
                                           "sys/" DID "x/log",
                                           "sys/x" DID "/log",
                                           "/",
                                           "sys//" };

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        assert_int_equal(kind_of(own[i]), TOPIC_UNKNOWN);
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        assert_int_equal(kind_of(foreign[i]), TOPIC_FOREIGN);
}

static enum topic_filter_kind filter_of(const char *filter)
{
    return topic_filter_kind(str_of(filter), STR(DID), STR(KEY));
}

static void a_device_subscribes_to_its_own_topics_only(void **state)
{
    (void)state;
    assert_int_equal(filter_of("ser2cli_noti/" KEY), FILTER_NOTICE);
    assert_int_equal(filter_of("ser2cli_res/" DID), FILTER_ANSWER);
    assert_int_equal(filter_of("app2dev/" DID "/#"), FILTER_CONTROL_ALL);
    assert_int_equal(filter_of("app2dev/" DID "/+"), FILTER_CONTROL_ANY);
    assert_int_equal(filter_of("app2dev/" DID "/enterprise"), FILTER_CONTROL_OURS);
    assert_int_equal(filter_of("app2dev/" DID "/somebody"), FILTER_UNUSED);
    assert_int_equal(filter_of("app2dev/" DID), FILTER_UNUSED);
    assert_int_equal(filter_of("llm/" DID "/config/response"), FILTER_UNUSED);
    assert_int_equal(filter_of("sys/" DID "/#"), FILTER_UNUSED);

    assert_int_equal(filter_of("llm/" OTHER "/config/response"), FILTER_FOREIGN);
    assert_int_equal(filter_of("sys/+/" DID), FILTER_FOREIGN);
    assert_int_equal(filter_of("#"), FILTER_FOREIGN);
    assert_int_equal(filter_of("+/" DID "/#"), FILTER_FOREIGN);
    assert_int_equal(filter_of("app2dev/#"), FILTER_FOREIGN);
    assert_int_equal(filter_of("app2dev/+/enterprise"), FILTER_FOREIGN);
    assert_int_equal(filter_of("app2dev/" DID "/a/#"), FILTER_FOREIGN);
    assert_int_equal(filter_of("app2dev/" DID "/"), FILTER_FOREIGN);
    assert_int_equal(filter_of("dev2app/" DID), FILTER_FOREIGN);
    assert_int_equal(filter_of("ser2cli_noti/" DID), FILTER_FOREIGN);
    assert_int_equal(filter_of("ser2cli_res/" DID "/#"), FILTER_FOREIGN);
    assert_int_equal(filter_of("$share/g/app2dev/" DID "/#"), FILTER_SHARED);
}

static void a_wildcard_stands_for_a_whole_level(void **state)
{
    (void)state;
    assert_int_equal(filter_of(""), FILTER_INVALID);
    assert_int_equal(filter_of("app2dev/" DID "/#/x"), FILTER_INVALID);
    assert_int_equal(filter_of("app2dev/" DID "#"), FILTER_INVALID);
    assert_int_equal(filter_of("app2dev/" DID "/a+"), FILTER_INVALID);
    assert_int_equal(filter_of("app2dev/+x"), FILTER_INVALID);
    assert_int_equal(filter_of("#abc"), FILTER_INVALID);
}

static void a_share_has_a_name_and_a_filter(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "$share//x", "$share/", "$share/g", "$share/g/", "$share/+/x", "$share/g#/x"
    };

    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        assert_int_equal(filter_of(invalid[i]), FILTER_INVALID);
    assert_int_equal(filter_of("$share/g/x"), FILTER_SHARED);
    assert_int_equal(filter_of("$share/g//"), FILTER_SHARED);
    assert_int_equal(filter_of("$shared/g"), FILTER_FOREIGN);
}

static void a_control_topic_has_a_client_part_that_devices_have_room_for(void **state)
{
    (void)state;
    char topic[TOPIC_SIZE];
    topic_of_control(DID, topic);
    assert_string_equal(topic, "app2dev/" DID "/enterprise");
    assert_true(strlen(strrchr(topic, '/') + 1) <= LIMIT_TOPIC_CLIENT);
    topic_of_answer(DID, topic);
    assert_string_equal(topic, "ser2cli_res/" DID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_publishes_to_its_own_topics_only),
        cmocka_unit_test(the_first_did_in_a_topic_tells_whose_it_is),
        cmocka_unit_test(a_device_subscribes_to_its_own_topics_only),
        cmocka_unit_test(a_wildcard_stands_for_a_whole_level),
        cmocka_unit_test(a_share_has_a_name_and_a_filter),
        cmocka_unit_test(a_control_topic_has_a_client_part_that_devices_have_room_for),
    };
    return cmocka_run_group_tests_name("topics", tests, NULL, NULL);
}
