#include "sim/sim.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/json_in.h"
#include "base/limits.h"
#include "ops/file.h"
#include "ops/privileges.h"
#include "ops/settings.h"
#include "sim/sim_device.h"
#include "sim/sim_fleet.h"
#include "sim/sim_run.h"

/* muster sim: the command. What its devices do is in the other files of this folder. */

static int wrong(const char *what)
{
    fprintf(stderr, "muster sim: %s (see muster sim --help)\n", what);
    return 2;
}

static int read_addresses(const struct settings *s, struct sim_options *o)
{
    const char *url = setting_text(s, "http"), *mqtt = setting_text(s, "mqtt");

    if (strncmp(url, "http://", 7) != 0)
        return wrong("--http needs a URL of the form http://HOST:PORT");
    struct str host = { url + 7, strcspn(url + 7, "/") };
    if (!str_copy(o->http_host, sizeof(o->http_host), host))
        return wrong("--http: the host is too long");
    if (net_address_parse(host, &o->http) != MU_OK)
        return wrong("--http needs a URL of the form http://HOST:PORT, with a port");
    if (mqtt && net_address_parse(str_of(mqtt), &o->mqtt) != MU_OK)
        return wrong("--mqtt needs an address of the form ADDR:PORT");
    o->has_mqtt = mqtt != NULL;
    o->plain_broker = setting_on(s, "plain-broker");
    if (o->plain_broker && !mqtt)
        return wrong("--plain-broker needs --mqtt");
    return 0;
}

static int read_definition(const char *file, struct datapoint_plan **plan)
{
    struct buf content;
    char why[256];
    json_error_t error;
    int status = 2;

    buf_init(&content, LIMIT_HTTP_BODY);
    json_t *definition = NULL;
    if (file_read(file, &content, why, sizeof(why)) != MU_OK) {
        fprintf(stderr, "muster sim: %s\n", why);
    } else if (!(definition = json_read(str_skip_mark((struct str){ (char *)content.data, content.len }), 0, &error))) {
        fprintf(stderr, "muster sim: %s:%d: %s\n", file, error.line, error.text);
    } else if (datapoint_plan_compile(definition, plan, why, sizeof(why)) != MU_OK) {
        fprintf(stderr, "muster sim: %s: %s\n", file, why);
    } else {
        status = 0;
    }
    json_decref(definition);
    buf_free(&content);
    return status;
}

static int read_options(const struct settings *s, struct sim_options *o, struct datapoint_plan **plan)
{
    const char *version = setting_text(s, "mqtt-version"), *definition = setting_text(s, "definition");
    int status = read_addresses(s, o);

    if (status != 0)
        return status;
    o->product_key = setting_text(s, "product");
    if (!o->product_key || !id_is_hex(str_of(o->product_key)))
        return wrong("--product needs 32 lower-case hex digits");
    o->level = strcmp(version, "3.1") == 0 ? 3 : strcmp(version, "3.1.1") == 0 ? 4 : 5;
    o->qos = (unsigned)setting_count(s, "qos");
    o->window = (unsigned)setting_count(s, "window");
    o->interval_us = (int64_t)(setting_number(s, "interval") * 1e6);
    return definition ? read_definition(definition, plan) : 0;
}

static int sim(const struct settings *set)
{
    struct sim_options options = { 0 };
    struct datapoint_plan *plan = NULL;
    struct sim_device *devices = NULL;
    sigset_t signals;
    char why[256];
    size_t count = 0;
    int status;

    if ((status = read_options(set, &options, &plan)) != 0)
        goto out;
    options.plan = plan;
    count = setting_count(set, "devices");
    if (count == 0 && !setting_text(set, "fleet")) {
        status = wrong("--devices is missing");
        goto out;
    }
    if (sim_fleet_create(&options, setting_text(set, "fleet"), &count, &devices, why, sizeof(why)) != MU_OK) {
        fprintf(stderr, "muster sim: %s\n", why);
        status = 2;
        goto out;
    }
    privileges_raise_descriptors();
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    status = sim_run(set, &options, devices, count, &signals);
out:
    sim_fleet_free(devices, devices ? count : 0);
    datapoint_plan_free(plan);
    return status;
}

/* clang-format off: a table */
static const struct setting sim_settings[] = {
    { .name = "http",
      .kind = SETTING_TEXT,
      .metavar = "URL",
      .standard = "http://127.0.0.1:8080",
      .help = "where devices register" },
    { .name = "mqtt",
      .kind = SETTING_TEXT,
      .metavar = "ADDR:PORT",
      .help = "the broker; default: the one that the server tells" },
    { .name = "product",
      .kind = SETTING_TEXT,
      .metavar = "PRODUCT_KEY",
      .help = "the product of the devices (required)" },
    { .name = "definition",
      .kind = SETTING_FILE,
      .metavar = "FILE",
      .help = "its datapoint definition, as GET datapoint answers it; "
              "without one devices report bytes that are passed through" },
    { .name = "devices",
      .kind = SETTING_COUNT,
      .metavar = "N",
      .standard = "0",
      .min = 0,
      .max = 10000000,
      .help = "how many (required, or --fleet)" },
    { .name = "fleet",
      .kind = SETTING_FILE,
      .metavar = "FILE",
      .help = "lines mac,passcode to use; default: made from the product key, the same in every run" },
    { .name = "interval",
      .kind = SETTING_NUMBER,
      .metavar = "SECONDS",
      .standard = "5",
      .min = 0,
      .max = 86400,
      .help = "time between two reports of a device; 0 = as fast as acknowledgements come" },
    { .name = "qos",
      .kind = SETTING_COUNT,
      .metavar = "0|1",
      .standard = "0",
      .min = 0,
      .max = 1,
      .help = "of reports" },
    { .name = "mqtt-version",
      .kind = SETTING_WORD,
      .metavar = "3.1|3.1.1|5",
      .standard = "3.1",
      .help = "the field's firmware speaks 3.1" },
    { .name = "window",
      .kind = SETTING_COUNT,
      .metavar = "N",
      .standard = "1",
      .min = 1,
      .max = 60000,
      .help = "unacknowledged reports that a device may have; the field's firmware has one" },
    { .name = "connect-rate",
      .kind = SETTING_COUNT,
      .metavar = "N",
      .standard = "1000",
      .min = 1,
      .max = 1000000,
      .help = "devices started per second" },
    { .name = "duration",
      .kind = SETTING_NUMBER,
      .metavar = "SECONDS",
      .standard = "0",
      .min = 0,
      .max = 31536000,
      .help = "0 = until Ctrl-C" },
    { .name = "threads",
      .kind = SETTING_COUNT,
      .metavar = "N",
      .standard = "1",
      .min = 1,
      .max = 16,
      .help = "event loops" },
    { .name = "plain-broker",
      .kind = SETTING_SWITCH,
      .standard = "no",
      .help = "log in to any MQTT broker with made-up names, without HTTP (to compare)" },
    COMMON_SETTINGS
};
/* clang-format on */

const struct command sim_command = {
    .name = "sim",
    .group = COMMAND_OTHER,
    .summary = "simulates devices against a server",
    .description =
        "Simulates devices through the server's public ports: they register, log in, report at a fixed "
        "rate, answer controls and ping. Prints counts and latencies at the end: it sends what was due by then, "
        "and waits as long as something is acknowledged within 5 seconds, or until a second Ctrl-C.",
    .settings = sim_settings,
    .examples = { { "muster sim --product PRODUCT_KEY --definition plug.json --devices 100", "a hundred plugs" } },
    .run = sim,
};
