#include "base/unit_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "model/cidr.h"

/* Addresses and networks as people write them, right and wrong. */

static struct ip_addr ip(const char *text)
{
    struct ip_addr out;
    assert_int_equal(ip_parse(str_of(text), &out), MU_OK);
    return out;
}

static bool contains(const char *net, const char *address)
{
    struct cidr c;
    struct ip_addr a = ip(address);
    assert_int_equal(cidr_parse(str_of(net), &c), MU_OK);
    return cidr_contains(&c, &a);
}

static void a_network_contains_its_addresses_and_no_others(void **state)
{
    (void)state;
    assert_true(contains("10.0.0.0/8", "10.255.255.255"));
    assert_false(contains("10.0.0.0/8", "11.0.0.0"));
    assert_true(contains("192.168.1.77/26", "192.168.1.127")); /* host bits set */
    assert_false(contains("192.168.1.77/26", "192.168.1.128"));
    assert_true(contains("1.2.3.4", "1.2.3.4"));
    assert_false(contains("1.2.3.4", "1.2.3.5"));
    assert_true(contains("1.2.3.4/31", "1.2.3.5"));
    assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(contains("2001:db8::1", "2001:DB8:0::1"));
    assert_false(contains("2001:db8::1", "2001:db8::2"));
    assert_true(contains("10.0.0.0/8", "::ffff:10.1.1.1"));
    assert_false(contains("10.0.0.0/8", "::10.1.1.1"));
    assert_false(contains("128.0.0.0/1", "2001:db8::1"));
    assert_true(contains("128.0.0.0/1", "255.0.0.1"));
    assert_true(contains("0.0.0.0/0", "8.8.8.8"));
    assert_true(contains("0.0.0.0/0", "2001:db8::1"));
    assert_true(contains("::/0", "8.8.8.8"));
}

static void malformed_networks_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/-0",
        "10.0.0/8",
        "10.0.0.256",
        "::/129",
        "::1%lo",
        "::g",
        "10.0.0.0/8/8",
        "10.0.0.0/ 8",
        " 10.0.0.0",
        "a.b.c.d",
        "10.0.0.0/+8",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    };
    struct cidr c;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(cidr_parse(str_of(bad[i]), &c), MU_E_SYNTAX);
    assert_int_equal(cidr_parse(STR("1.2.3.4\0"), &c), MU_E_SYNTAX);
}

static void addresses_read_the_same_from_any_socket(void **state)
{
    (void)state;
    static const char *const texts[] = { "192.168.1.7", "2001:db8::7", "::1", "127.0.0.1", "::" };
    char text[IP_TEXT_SIZE];
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct ip_addr a = ip(texts[i]);
        ip_text(&a, text);
        assert_string_equal(text, texts[i]);
    }

    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct ip_addr from_v4, from_v6, unix_peer, expected = ip("192.168.1.7");
    inet_pton(AF_INET, "192.168.1.7", &in.sin_addr);
    inet_pton(AF_INET6, "::ffff:192.168.1.7", &in6.sin6_addr);
    ip_of_sockaddr((const struct sockaddr *)&in, &from_v4);
    ip_of_sockaddr((const struct sockaddr *)&in6, &from_v6);
    assert_memory_equal(&from_v4, &expected, sizeof(expected));
    assert_memory_equal(&from_v6, &expected, sizeof(expected));
    ip_of_sockaddr(&(struct sockaddr){ .sa_family = AF_UNIX }, &unix_peer);
    expected = ip("::");
    assert_memory_equal(&unix_peer, &expected, sizeof(expected));

    static const struct {
        const char *text;
        bool is;
    } loopback[] = {
        { "127.0.0.1", true },  { "127.9.9.9", true }, { "::1", true }, { "::ffff:127.0.0.1", true },
        { "128.0.0.1", false }, { "::2", false },      { "::", false }, { "7f00::", false },
    };
    for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++) {
        struct ip_addr a = ip(loopback[i].text);
        assert_int_equal(ip_is_loopback(&a), loopback[i].is);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_contains_its_addresses_and_no_others),
        cmocka_unit_test(malformed_networks_are_refused),
        cmocka_unit_test(addresses_read_the_same_from_any_socket),
    };
    return cmocka_run_group_tests_name("cidr", tests, NULL, NULL);
}
