#include "serve/serve_settings.h"

#include <stddef.h>

#include "base/limits.h"

static struct setting list[] = {
    { .name = "data", .kind = SETTING_TEXT, .required = true, .metavar = "DIR",
      .help = "the data directory (required); created if it is missing, mode 0700" },
    { .name = "config", .kind = SETTING_TEXT, .metavar = "FILE",
      .help = "an INI file with these same names, one `name = value` a line; a flag wins over it" },
    { .name = "http", .kind = SETTING_TEXT, .metavar = "ADDR:PORT", .standard = "127.0.0.1:8080",
      .help = "HTTP: the enterprise API /v1, its debugger /docs, /openapi.json, devices /dev, /healthz; "
              "port 0 takes a free one" },
    { .name = "https", .kind = SETTING_TEXT, .metavar = "ADDR:PORT",
      .help = "the same over TLS; needs --tls-cert and --tls-key" },
    { .name = "mqtt", .kind = SETTING_TEXT, .metavar = "ADDR:PORT", .standard = "127.0.0.1:1883",
      .help = "MQTT 3.1, 3.1.1 and 5.0" },
    { .name = "mqtts", .kind = SETTING_TEXT, .metavar = "ADDR:PORT",
      .help = "the same over TLS; needs --tls-cert and --tls-key" },
    { .name = "ops", .kind = SETTING_TEXT, .metavar = "ADDR:PORT", .standard = "127.0.0.1:8081",
      .help = "the operator's port: /metrics, /healthz" },
    { .name = "tls-cert", .kind = SETTING_TEXT, .metavar = "FILE",
      .help = "certificate chain in PEM form; read again on SIGHUP" },
    { .name = "tls-key", .kind = SETTING_TEXT, .metavar = "FILE",
      .help = "its private key in PEM form" },
    { .name = "user", .kind = SETTING_TEXT, .metavar = "NAME",
      .help = "started as root, become this user once the ports are open" },
    { .name = "log-level", .kind = SETTING_TEXT, .metavar = "LEVEL", .standard = "info",
      .help = "error, warn, info or debug" },
    { .name = "time-zone", .kind = SETTING_TEXT, .metavar = "ZONE", .standard = "Asia/Shanghai",
      .help = "in whose days reports are cut; kept with the data, so it cannot be changed later" },
    { .name = "retention-days", .kind = SETTING_COUNT, .metavar = "DAYS", .standard = "7",
      .min = 1, .max = 3650,
      .help = "how long messages and the online log are kept; the API can ask for 7 days" },
    { .name = "activity-days", .kind = SETTING_COUNT, .metavar = "DAYS", .standard = "400",
      .min = 31, .max = 3650,
      .help = "how long is kept which device was active on which day, its faults and alerts, and the\n"
              "audit log" },
    { .name = "threads", .kind = SETTING_COUNT, .metavar = "N", .standard = "0", .min = 0, .max = 64,
      .help = "event loops; 0 = one per core" },
    { .name = "workers", .kind = SETTING_COUNT, .metavar = "N", .standard = "64", .min = 1, .max = 256,
      .help = "threads for calls that read or write the stores; so many registrations share a commit" },
    { .name = "mqtt-advertise", .kind = SETTING_TEXT, .metavar = "HOST:PORT",
      .help = "the MQTT address told to devices; default: the host they asked for and the port of "
              "--mqtt" },
    { .name = "mqtt-packet-max", .kind = SETTING_COUNT, .metavar = "BYTES", .standard = "65536",
      .min = 1024, .max = LIMIT_MQTT_PACKET,
      .help = "the largest MQTT packet taken" },
    { .name = "mqtt-connections-max", .kind = SETTING_COUNT, .metavar = "N", .standard = "1000000",
      .min = 1, .max = 16000000,
      .help = "MQTT connections at once" },
    { .name = "keepalive-max", .kind = SETTING_COUNT, .metavar = "SECONDS", .standard = "1800",
      .min = 1, .max = 65535,
      .help = "the keepalive of a device that announces none or a longer one: its session ends after\n"
              "1.5 times that without a packet" },
    { .name = "device-messages", .kind = SETTING_NUMBER, .metavar = "N", .standard = "10",
      .min = 0, .max = 1000000,
      .help = "messages per second that one device may send on average; 0 = any\n"
              "(over it: QoS 1 and 2 are slowed, QoS 0 ends as offline_sending_density_overflow)" },
    { .name = "device-messages-burst", .kind = SETTING_NUMBER, .metavar = "N", .standard = "50",
      .min = 1, .max = 1000000,
      .help = "and how many at once" },
    { .name = "device-bytes", .kind = SETTING_NUMBER, .metavar = "N", .standard = "65536",
      .min = 0, .max = 1000000000,
      .help = "bytes per second that one device may send; 0 = any\n"
              "(over it: QoS 1 and 2 are slowed, QoS 0 ends as offline_sending_data_size_overflow)" },
    { .name = "address-connections", .kind = SETTING_NUMBER, .metavar = "N", .standard = "6000",
      .min = 0, .max = 1000000000,
      .help = "MQTT connections per minute from one source address (IPv6: /64); 0 = any; loopback is "
              "exempt" },
    { .name = "address-registrations", .kind = SETTING_NUMBER, .metavar = "N", .standard = "600",
      .min = 0, .max = 1000000000,
      .help = "registrations per minute from one source address; 0 = any; loopback is exempt" },
    { .name = "product-registrations", .kind = SETTING_NUMBER, .metavar = "N", .standard = "60000",
      .min = 0, .max = 1000000000,
      .help = "registrations per minute of one product; 0 = any" },
    { .name = "address-guesses", .kind = SETTING_NUMBER, .metavar = "N", .standard = "60",
      .min = 0, .max = 1000000000,
      .help = "wrong passcodes per minute over /dev from one source address; 0 = any; loopback is exempt" },
    { .name = "device-guesses", .kind = SETTING_NUMBER, .metavar = "N", .standard = "10",
      .min = 0, .max = 1000000000,
      .help = "wrong passcodes per minute over /dev for one device, from the address where it was let in\n"
              "last, and from all others together; 0 = any" },
    { .name = "http-connections-max", .kind = SETTING_COUNT, .metavar = "N", .standard = "10000",
      .min = 1, .max = 1000000,
      .help = "HTTP connections at once" },
    { .name = "http-head-timeout", .kind = SETTING_NUMBER, .metavar = "SECONDS", .standard = "10",
      .min = 0.1, .max = 3600,
      .help = "from a request's first byte to the end of its headers" },
    { .name = "http-idle-timeout", .kind = SETTING_NUMBER, .metavar = "SECONDS", .standard = "60",
      .min = 0.1, .max = 86400,
      .help = "how long a connection may wait between requests, and over which a peer must take 1 KiB a\n"
              "second of its answer" },
    { .name = "cors-origin", .kind = SETTING_TEXT, .metavar = "ORIGIN",
      .help = "a web origin whose pages may call the API, or *; none by default" },
    { .name = "trusted-proxies", .kind = SETTING_TEXT, .metavar = "CIDR[,CIDR…]",
      .help = "reverse proxies whose X-Forwarded-For tells the client's address: for ip_allow,\n"
              "registrations and wrong passcodes per address and the place of devices" },
    { .name = "geoip-db", .kind = SETTING_TEXT, .metavar = "FILE",
      .help = "a city database in MaxMind's format: devices without a configured place are located by "
              "their address" },
    { .name = "demo-credentials", .kind = SETTING_TEXT, .metavar = "FILE",
      .help = "a JSON file with an enterprise's and a product's secrets, which /docs then gives to "
              "everybody who opens it.\nFor demonstrations only, never in production" },
    { 0 },
};

struct settings serve_settings(void)
{
    return (struct settings){
        .command = "serve",
        .usage = "serve --data DIR [options]",
        .summary =
            "Runs the server. Prints one line \"muster ready\" with its addresses once it answers,\n"
            "logs to stderr, ends cleanly on SIGTERM or Ctrl-C.",
        .list = list,
    };
}
