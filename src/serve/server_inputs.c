/* Reads the files, networks and addresses that the server's settings name, before anything is opened. */

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ops/file.h"
#include "serve/server.h"

enum mu_err server_load_certificate(struct server *s)
{
    const char *cert = setting_text(s->settings, "tls-cert"), *key = setting_text(s->settings, "tls-key");

    if (!cert != !key) {
        snprintf(s->why, sizeof(s->why), "--tls-cert and --tls-key go together");
        return MU_E_SYNTAX;
    }
    return cert ? tls_context_load(&s->tls, cert, key, s->why, sizeof(s->why)) : MU_OK;
}

enum mu_err server_read_proxies(struct server *s)
{
    const char *text = setting_text(s->settings, "trusted-proxies");

    while (text && *text) {
        size_t n = strcspn(text, ", ");
        if (n && (s->trusted_proxy_count == SERVER_PROXIES_MAX ||
                  cidr_parse((struct str){ text, n }, &s->trusted_proxies[s->trusted_proxy_count++]) != MU_OK)) {
            snprintf(s->why, sizeof(s->why), "--trusted-proxies: '%.*s' is not a network, or there are more than %d",
                     (int)n, text, SERVER_PROXIES_MAX);
            return MU_E_SYNTAX;
        }
        text += n + (text[n] != '\0');
    }
    return MU_OK;
}

/* HOST:PORT, as it is given to devices. The port must be a number; devices resolve the host, we do not. */
enum mu_err server_check_advertised(struct server *s)
{
    const char *text = setting_text(s->settings, "mqtt-advertise");
    const char *colon = text ? strrchr(text, ':') : NULL;
    int64_t port;

    if (!text || (colon && colon > text && !strpbrk(text, "& \t\r\n") && str_int64(str_of(colon + 1), &port) &&
                  port >= 1 && port <= 65535))
        return MU_OK;
    snprintf(s->why, sizeof(s->why), "--mqtt-advertise: '%s' is not of the form HOST:PORT", text);
    return MU_E_SYNTAX;
}

enum mu_err server_create_debugger(struct server *s)
{
    const char *path = setting_text(s->settings, "demo-credentials");
    struct str content = { 0 };
    struct buf file;
    char why[256];
    enum mu_err err = MU_OK;

    buf_init(&file, 256 * 1024);
    if (path) {
        if ((err = file_read(path, &file, s->why, sizeof(s->why))) != MU_OK)
            goto out;
        log_event(LOG_WARN, "demo_credentials_given_away", "file=%s hint=\"never in production\"", LOG_Q(path, -1));
        content = (struct str){ file.data ? (const char *)file.data : "", file.len };
    }
    err = debugger_create(&s->debugger, content, why, sizeof(why));
    if (err == MU_E_SYNTAX)
        snprintf(s->why, sizeof(s->why), "--demo-credentials %s: %s", path, why);
out:
    buf_free(&file);
    return err;
}
