#include "sim/sim_fleet.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/file.h"

/* The simulated devices: read from a file, or made from the product key and a number. */

#define FILE_MAX (256u * 1024 * 1024)

static void derive_names(struct sim_device *d, const char *product_key, size_t index)
{
    char seed[96];
    uint8_t hash[SHA256_DIGEST_LENGTH];

    int n = snprintf(seed, sizeof(seed), "%s/%zu", product_key, index);
    SHA256((const uint8_t *)seed, (size_t)n, hash);
    hex_encode(hash, 6, d->mac);
    hex_encode(hash + 6, 5, d->passcode);
}

/* The next line of text; false at its end. Blank lines do not count. */
static bool next_line(struct str *text, struct str *line)
{
    while (text->len) {
        const char *end = memchr(text->at, '\n', text->len);
        size_t n = end ? (size_t)(end - text->at) : text->len;
        *line = str_trim((struct str){ text->at, n && text->at[n - 1] == '\r' ? n - 1 : n });
        text->at += n + (end != NULL);
        text->len -= n + (end != NULL);
        if (line->len)
            return true;
    }
    return false;
}

static bool split_names(struct str line, struct sim_device *d)
{
    const char *comma = memchr(line.at, ',', line.len);
    if (!comma)
        return false;
    struct str mac = { line.at, (size_t)(comma - line.at) };
    struct str passcode = { comma + 1, line.len - mac.len - 1 };
    return mac_valid(mac) && passcode_valid(passcode) && str_copy(d->mac, sizeof(d->mac), mac) &&
           str_copy(d->passcode, sizeof(d->passcode), passcode);
}

enum mu_err sim_fleet_create(const struct sim_options *options, const char *file, size_t *count,
                             struct sim_device **devices, char *why, size_t why_size)
{
    struct buf content;
    struct str text, line;
    size_t lines = 0;
    enum mu_err err = MU_OK;

    *devices = NULL;
    buf_init(&content, FILE_MAX);
    if (file) {
        if ((err = file_read(file, &content, why, why_size)) != MU_OK)
            goto out;
        for (text = (struct str){ (char *)content.data, content.len }; next_line(&text, &line);)
            lines++;
        if (*count == 0 || *count > lines)
            *count = lines;
    }
    *devices = calloc(*count ? *count : 1, sizeof(**devices));
    if (!*devices) {
        err = MU_E_NOMEM;
        snprintf(why, why_size, "no memory for %zu devices", *count);
        goto out;
    }
    text = (struct str){ (char *)content.data, content.len };
    for (size_t i = 0; i < *count; i++) {
        struct sim_device *d = &(*devices)[i];
        if (!file) {
            derive_names(d, options->product_key, i);
        } else if (!next_line(&text, &line) || !split_names(line, d)) {
            snprintf(why, why_size, "%s: device %zu is not of the form mac,passcode", file, i + 1);
            err = MU_E_SYNTAX;
            goto out;
        }
        if ((err = sim_device_init(d, options, i + 1)) != MU_OK)
            goto out;
    }
out:
    if (err != MU_OK) {
        sim_fleet_free(*devices, *devices ? *count : 0);
        *devices = NULL;
    }
    buf_free(&content);
    return err;
}

void sim_fleet_free(struct sim_device *devices, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sim_device_free(&devices[i]);
    free(devices);
}
