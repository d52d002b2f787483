#include "base/unit_test.h"

#include <stdlib.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "net/tls_fixture.h"

/* A certificate is replaced while connections live. */

static void assert_name(SSL *client, const char *expected)
{
    X509 *cert = SSL_get1_peer_certificate(client);
    char name[64];

    assert_non_null(cert);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof(name));
    assert_string_equal(name, expected);
    X509_free(cert);
}

static void a_reload_is_for_new_connections_and_leaves_living_ones(void **state)
{
    struct tls_fixture *f = *state;
    struct owner *second = owner_new(f->loop);
    char why[200];
    int peer;

    open_both(f);
    assert_name(f->client, "first");
    write_pair(f, "second");
    assert_int_equal(tls_context_reload(f->tls, why, sizeof(why)), MU_OK);
    open_tls(f, second, &peer);
    SSL *client = shake_hands(f, peer);
    assert_name(client, "second");

    client_send(f->client, "still", 5);
    owner_wait_got(f->o, 5);
    SSL_free(client);
    close(peer);
    owner_wait_closed(second);
    owner_free(second);
    owner_end(f->o);
}

static void a_failed_reload_leaves_the_old_certificate_in_use(void **state)
{
    struct tls_fixture *f = *state;
    char why[200] = "";

    EVP_PKEY_free(write_key(f->key)); /* a key that is not the certificate's */
    assert_int_equal(tls_context_reload(f->tls, why, sizeof(why)), MU_E_SYNTAX);
    assert_non_null(strstr(why, f->key));
    unlink(f->cert);
    assert_int_equal(tls_context_reload(f->tls, why, sizeof(why)), MU_E_SYNTAX);
    assert_non_null(strstr(why, f->cert));
    open_both(f);
    assert_name(f->client, "first");
    owner_end(f->o);
}

static void a_key_with_a_passphrase_is_refused_without_asking(void **state)
{
    struct tls_fixture *f = *state;
    struct tls_context *tls;
    char why[200] = "";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *out = fopen(f->key, "w");

    assert_non_null(out);
    assert_int_equal(PEM_write_PrivateKey(out, key, EVP_aes_128_cbc(), (unsigned char *)"secret", 6, NULL, NULL), 1);
    fclose(out);
    EVP_PKEY_free(key);
    assert_int_equal(tls_context_load(&tls, f->cert, f->key, why, sizeof(why)), MU_E_SYNTAX);
    assert_null(tls);
    assert_non_null(strstr(why, f->key));
    open_both(f);
    owner_end(f->o);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tls_set_up, tls_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reload_is_for_new_connections_and_leaves_living_ones),
        TEST(a_failed_reload_leaves_the_old_certificate_in_use),
        TEST(a_key_with_a_passphrase_is_refused_without_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
