#ifndef MUSTER_TRANSFER_APPLY_FIXTURE_H
#define MUSTER_TRANSFER_APPLY_FIXTURE_H

/* What the tests of apply and import share: a file with one thing of each kind, and functions that apply and look. */

#include "sql/registry_fixture.h"

#include "transfer/apply.h"

#define NOW 1700000000

#define EID    "e0000000000000000000000000000001"
#define EID2   "e0000000000000000000000000000002"
#define PK     "b0000000000000000000000000000001"
#define PK2    "b0000000000000000000000000000002"
#define APP    "a0000000000000000000000000000001"
#define UNSEEN "cccccccccccccccccccccccccccccccc"
#define DID    "dE2xjpcBhaUHkYkSspYM5k"
#define DID2   "dE2xjpcBhaUHkYkSspYM5m"

/* --- applying -------------------------------------------------------------------------------------*/

struct apply_outcome {
    enum mu_err err;
    char report[40000];
};

/* Applies JSON that is written with ' instead of ", for C. */
static inline struct apply_outcome apply_with(struct registry_fixture *f, const struct apply_options *options,
                                              const char *text)
{
    struct apply_outcome outcome;
    struct buf report;
    char *json = strdup(text);

    for (char *at = json; *at; at++)
        if (*at == '\'')
            *at = '"';
    buf_init(&report, sizeof(outcome.report) - 1);
    outcome.err = apply_json(f->reg, NULL, str_of(json), options, &report);
    assert_int_equal(report.err, MU_OK);
    if (report.len)
        memcpy(outcome.report, report.data, report.len);
    outcome.report[report.len] = '\0';
    buf_free(&report);
    free(json);
    return outcome;
}

static inline struct apply_outcome apply_at(struct registry_fixture *f, int64_t now, const char *text)
{
    return apply_with(f, &(struct apply_options){ .now_s = now }, text);
}

static inline struct apply_outcome apply(struct registry_fixture *f, const char *text)
{
    return apply_at(f, NOW, text);
}

static inline struct apply_outcome must_apply(struct registry_fixture *f, const char *text)
{
    struct apply_outcome outcome = apply(f, text);
    if (outcome.err != MU_OK)
        fail_msg("%s", outcome.report);
    return outcome;
}

static inline void must_say(const struct apply_outcome *outcome, const char *text)
{
    if (!strstr(outcome->report, text))
        fail_msg("\"%s\" is missing in:\n%s", text, outcome->report);
}

static inline void must_refuse(struct registry_fixture *f, const char *text, const char *complaint)
{
    struct apply_outcome outcome = apply(f, text);
    char line[500];

    snprintf(line, sizeof(line), "%s\n", complaint);
    if (outcome.err != MU_E_VALUE)
        fail_msg("accepted: %s\n%s", text, outcome.report);
    assert_string_equal(outcome.report, line);
}

/* --- looking --------------------------------------------------------------------------------------*/

static inline enum mu_err get_enterprise(struct registry_tx *tx, void *arg)
{
    return tx_enterprise_by_id(tx, ((struct enterprise_row *)arg)->enterprise_id, arg);
}

static inline enum mu_err get_product(struct registry_tx *tx, void *arg)
{
    return tx_product_by_key(tx, ((struct product_row *)arg)->product_key, arg);
}

static inline enum mu_err get_app(struct registry_tx *tx, void *arg)
{
    return tx_app_by_id(tx, ((struct app_row *)arg)->appid, arg);
}

static inline enum mu_err get_user(struct registry_tx *tx, void *arg)
{
    return tx_user_by_uid(tx, ((struct user_row *)arg)->uid, arg);
}

static inline enum mu_err get_device(struct registry_tx *tx, void *arg)
{
    return tx_device_by_did(tx, ((struct device_row *)arg)->did, arg);
}

#define GET(f, kind, key, text)                                              \
    __extension__({                                                          \
        struct kind##_row row_ = { 0 };                                      \
        strcpy(row_.key, text);                                              \
        assert_int_equal(registry_read((f)->reg, get_##kind, &row_), MU_OK); \
        row_;                                                                \
    })

static inline uint64_t last_change(struct registry_fixture *f)
{
    uint64_t seq = 0;
    assert_int_equal(registry_visit_all(f->reg, &(struct registry_visitor){ 0 }, &seq), MU_OK);
    return seq;
}

/* --- a file -----------------------------------------------------------------------------------------*/

#define SWITCH                                                                     \
    "{'id': 0, 'name': 'switch', 'type': 'status_writable', 'data_type': 'bool', " \
    "'position': {'byte_offset': 0, 'bit_offset': 0, 'len': 1, 'unit': 'bit'}}"
#define TEMPERATURE                                                               \
    "{'id': 1, 'name': 'temp', 'type': 'status_readonly', 'data_type': 'uint8', " \
    "'uint_spec': {'min': 0, 'max': 100, 'ratio': 0.1, 'addition': -10.5}, "      \
    "'position': {'byte_offset': 1, 'bit_offset': 0, 'len': 1, 'unit': 'byte'}}"
#define DATAPOINT(attrs)                                                                  \
    "{'name': '空调', 'entities': [{'id': 0, 'name': 'entity0', 'attrs': [" attrs "]}], " \
    "'protocolType': 'standard', 'product_key': '" UNSEEN "', 'packetVersion': 'x'}"

#define EVERYTHING                                                                                                \
    "{'enterprises': [{'enterprise_id': '" EID "', 'enterprise_secret': '" UNSEEN "',"                            \
    "  'name': 'One', 'ip_allow': ['10.0.0.0/8', '2001:db8::1'], 'hourly_quota': 7,"                              \
    "  'secret_required': false, 'product_keys': ['" PK "']}],"                                                   \
    " 'products': [{'product_key': '" PK "', 'product_secret': '" UNSEEN "', 'name': 'AC',"                       \
    "  'remote_control': false, 'registration': 'known', 'pacing': 'off', 'control': '0x0093',"                   \
    "  'datapoint': " DATAPOINT(                                                                                  \
        SWITCH                                                                                                    \
        "," TEMPERATURE) "}],"                                                                                    \
                         " 'apps': [{'appid': '" APP "', 'name': 'app', 'product_keys': ['" PK "']}],"            \
                         " 'users': [{'uid': '" UNSEEN "', 'appid': '" APP "', 'username': null, 'phone': '123'," \
                         "  'email': null, 'is_anonymous': true, 'name': 'n', 'gender': null, 'birthday': null,"  \
                         "  'address': null, 'remark': null, 'auth_src': {'src': 'x', 'n': 1},"                   \
                         "  'created_at': 1513135417, 'country': 'China', 'region': 'Guangdong',"                 \
                         "  'city': 'Guangzhou'}],"                                                               \
                         " 'devices': [{'product_key': '" PK "', 'mac': 'accf2350d446', 'did': '" DID "',"        \
                         "  'passcode': '123456', 'type': 'bluetooth', 'device_sn': 'sn', 'is_disabled': false,"  \
                         "  'created_at': 1505789918, 'country': 'China', 'region': 'Guangdong',"                 \
                         "  'city': 'Guangzhou', 'longitude': 113.280637, 'latitude': 23.125178}]}"

#endif
