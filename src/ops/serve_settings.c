#include "ops/serve_settings.h"

#include <stddef.h>

static struct setting list[] = {
    { "data", SETTING_TEXT, "DIR", NULL,
      "the data directory (required); created if it is missing, mode 0700", NULL },
    { "config", SETTING_TEXT, "FILE", NULL,
      "an INI file with these same names, one `name = value` a line; a flag wins over it", NULL },
    { "http", SETTING_TEXT, "ADDR:PORT", "127.0.0.1:8080",
      "HTTP: the enterprise API /v1, devices /dev, /openapi.json, /healthz; port 0 takes a free one", NULL },
    { "https", SETTING_TEXT, "ADDR:PORT", NULL, "the same over TLS; needs --tls-cert and --tls-key", NULL },
    { "mqtt", SETTING_TEXT, "ADDR:PORT", "127.0.0.1:1883", "MQTT 3.1, 3.1.1 and 5.0", NULL },
    { "mqtts", SETTING_TEXT, "ADDR:PORT", NULL, "the same over TLS; needs --tls-cert and --tls-key", NULL },
    { "ops", SETTING_TEXT, "ADDR:PORT", "127.0.0.1:8081", "the operator's port: /metrics, /healthz", NULL },
    { "tls-cert", SETTING_TEXT, "FILE", NULL,
      "certificate chain in PEM form; read again on SIGHUP", NULL },
    { "tls-key", SETTING_TEXT, "FILE", NULL, "its private key in PEM form", NULL },
    { "user", SETTING_TEXT, "NAME", NULL, "started as root, become this user once the ports are open", NULL },
    { "log-level", SETTING_TEXT, "LEVEL", "info", "error, warn, info or debug", NULL },
    { "time-zone", SETTING_TEXT, "ZONE", "Asia/Shanghai",
      "in whose days reports are cut; kept with the data, so it cannot be changed later", NULL },
    { "retention-days", SETTING_COUNT, "DAYS", "7",
      "how long messages and the online log are kept; the API can ask for 7 days", NULL },
    { "threads", SETTING_COUNT, "N", "0", "event loops; 0 = one per core", NULL },
    { "workers", SETTING_COUNT, "N", "16",
      "threads for calls that read or write the stores; so many registrations share a commit", NULL },
    { "mqtt-advertise", SETTING_TEXT, "HOST:PORT", NULL,
      "the MQTT address told to devices; default: the host they asked for and the port of --mqtt", NULL },
    { "mqtt-packet-max", SETTING_COUNT, "BYTES", "65536", "the largest MQTT packet taken", NULL },
    { "mqtt-connections-max", SETTING_COUNT, "N", "1000000", "MQTT connections at once", NULL },
    { "device-messages", SETTING_NUMBER, "N", "10",
      "messages per second that one device may send on average; 0 = any\n"
      "(over it: offline_sending_density_overflow)", NULL },
    { "device-messages-burst", SETTING_NUMBER, "N", "50", "and how many at once", NULL },
    { "device-bytes", SETTING_NUMBER, "N", "65536",
      "bytes per second that one device may send; 0 = any\n"
      "(over it: offline_sending_data_size_overflow)", NULL },
    { "address-connections", SETTING_NUMBER, "N", "6000",
      "MQTT connections per minute from one source address (IPv6: /64); 0 = any; loopback is exempt", NULL },
    { "address-registrations", SETTING_NUMBER, "N", "600",
      "registrations per minute from one source address; 0 = any; loopback is exempt", NULL },
    { "product-registrations", SETTING_NUMBER, "N", "60000", "registrations per minute of one product; 0 = any", NULL },
    { "http-connections-max", SETTING_COUNT, "N", "10000", "HTTP connections at once", NULL },
    { "http-head-timeout", SETTING_NUMBER, "SECONDS", "10", "from a request's first byte to the end of its headers", NULL },
    { "http-idle-timeout", SETTING_NUMBER, "SECONDS", "60", "how long a connection may wait between requests", NULL },
    { "cors-origin", SETTING_TEXT, "ORIGIN", NULL,
      "a web origin whose pages may call the API, or *; none by default", NULL },
    { "trusted-proxies", SETTING_TEXT, "CIDR[,CIDR…]", NULL,
      "reverse proxies whose X-Forwarded-For tells the client's address (for ip_allow)", NULL },
    { "geoip-db", SETTING_TEXT, "FILE", NULL,
      "a city database in MaxMind's format: devices without a configured place are located by their address", NULL },
    { 0 },
};

struct settings serve_settings(void)
{
    return (struct settings){
        .command = "serve", .usage = "serve --data DIR [options]",
        .summary = "Runs the server. Prints one line \"muster ready\" with its addresses once it answers,\n"
                   "logs to stderr, ends cleanly on SIGTERM or Ctrl-C.",
        .list = list,
    };
}
