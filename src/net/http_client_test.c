#include "base/unit_test.h"

#include "net/http_internal.h"

static struct ip_addr ip(const char *text)
{
    struct ip_addr out;

    assert_int_equal(ip_parse(str_of(text), &out), MU_OK);
    return out;
}

static struct cidr net(const char *text)
{
    struct cidr out;

    assert_int_equal(cidr_parse(str_of(text), &out), MU_OK);
    return out;
}

static void add_header(struct http_request *req, struct http_header *headers, const char *name, const char *value)
{
    headers[req->header_count++] = (struct http_header){ str_of(name), str_of(value) };
}

static bool client_is(struct http_request *req, const char *peer, const char *wanted)
{
    struct cidr trusted[] = { net("127.0.0.0/8"), net("192.168.0.0/16") };
    struct ip_addr expected = ip(wanted);

    req->peer = ip(peer);
    struct ip_addr client = http_client(req, trusted, 2);
    return memcmp(&client, &expected, sizeof(client)) == 0;
}

static void forwarded_addresses_are_believed_of_trusted_proxies_only(void **state)
{
    struct http_header headers[4];
    struct http_request req = { .headers = headers };

    (void)state;
    assert_true(client_is(&req, "127.0.0.1", "127.0.0.1"));
    add_header(&req, headers, "X-Forwarded-For", "1.1.1.1, 2.2.2.2");
    assert_true(client_is(&req, "9.9.9.9", "9.9.9.9"));
    assert_true(client_is(&req, "127.0.0.1", "2.2.2.2"));
    add_header(&req, headers, "x-forwarded-for", "3.3.3.3:4711 ,192.168.0.7");
    assert_true(client_is(&req, "127.0.0.1", "3.3.3.3"));
    add_header(&req, headers, "X-Forwarded-For", "[2001:db8::1]:80, 192.168.3.4");
    assert_true(client_is(&req, "127.0.0.1", "2001:db8::1"));
}

static void a_broken_forwarded_address_leaves_the_proxy_as_the_caller(void **state)
{
    struct http_header headers[4];
    struct http_request req = { .headers = headers };

    (void)state;
    add_header(&req, headers, "X-Forwarded-For", "1.1.1.1, unknown");
    assert_true(client_is(&req, "127.0.0.1", "127.0.0.1"));
}

static void a_chain_of_trusted_proxies_ends_at_its_first(void **state)
{
    struct http_header headers[4];
    struct http_request req = { .headers = headers };

    (void)state;
    add_header(&req, headers, "X-Forwarded-For", "192.168.0.1,192.168.0.2");
    assert_true(client_is(&req, "127.0.0.1", "192.168.0.1"));
}

int main(void)
{
    static const struct CMUnitTest all[] = {
        cmocka_unit_test(forwarded_addresses_are_believed_of_trusted_proxies_only),
        cmocka_unit_test(a_broken_forwarded_address_leaves_the_proxy_as_the_caller),
        cmocka_unit_test(a_chain_of_trusted_proxies_ends_at_its_first),
    };
    return cmocka_run_group_tests_name("http_client", all, NULL, NULL);
}
