#include "ops/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json_out.h"
#include "ops/file.h"

enum { MANIFEST_FORMAT = 1, MANIFEST_MAX = 16 * 1024 * 1024 };

static enum mu_err fail(char *why, size_t why_size, const char *what, const char *path)
{
    int reason = errno;

    snprintf(why, why_size, "cannot %s %s: %s", what, path, strerror(reason));
    return reason == ENOSPC || reason == EDQUOT ? MU_E_FULL : MU_E_IO;
}

bool manifest_is_in(const char *dir)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/" MANIFEST_NAME, dir);
    return access(path, F_OK) == 0;
}

/* --- gathering ------------------------------------------------------------------------------------*/

/* Sizes are compared first; "" stands for a file that cannot be read. */
static void hash_file(const char *path, char out[2 * 32 + 1])
{
    static const size_t piece = 256 * 1024;
    uint8_t *bytes = malloc(piece), hash[32];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = bytes && ctx && fd >= 0 && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
    ssize_t n = 1;

    while (good && n > 0) {
        n = read(fd, bytes, piece);
        good = n >= 0 && EVP_DigestUpdate(ctx, bytes, (size_t)n) == 1;
    }
    good = good && EVP_DigestFinal_ex(ctx, hash, NULL) == 1;
    out[0] = '\0';
    if (good)
        hex_encode(hash, sizeof(hash), out);
    EVP_MD_CTX_free(ctx);
    free(bytes);
    if (fd >= 0)
        close(fd);
}

static bool is_table(const char *path)
{
    size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, ".sst") == 0;
}

static struct manifest_file *add_file(struct manifest *m, char *path)
{
    struct manifest_file *grown = realloc(m->files, (m->file_count + 1) * sizeof(*grown));

    if (!grown || !path) {
        m->files = grown ? grown : m->files;
        free(path);
        return NULL;
    }
    m->files = grown;
    grown[m->file_count] = (struct manifest_file){ .path = path };
    return &grown[m->file_count++];
}

static enum mu_err gather(struct manifest *m, const char *dir, const char *below, char *why,
                          size_t why_size)
{
    char path[4096], *name;
    enum mu_err err = MU_OK;

    snprintf(path, sizeof(path), "%s/%s", dir, below);
    DIR *open_dir = opendir(path);
    if (!open_dir)
        return fail(why, why_size, "read", path);
    for (struct dirent *entry; err == MU_OK && (entry = readdir(open_dir));) {
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        if (asprintf(&name, "%s%s%s", below, *below ? "/" : "", entry->d_name) < 0) {
            err = MU_E_NOMEM;
            break;
        }
        snprintf(path, sizeof(path), "%s/%s", dir, name);
        if (lstat(path, &st) != 0) {
            err = fail(why, why_size, "read", path);
        } else if (S_ISDIR(st.st_mode) && !*below) {
            err = gather(m, dir, name, why, why_size);
        } else if (S_ISREG(st.st_mode) && strcmp(name, MANIFEST_NAME) != 0) {
            struct manifest_file *file = add_file(m, name);
            name = NULL;
            if (!file) {
                err = MU_E_NOMEM;
                break;
            }
            file->bytes = (uint64_t)st.st_size;
            if (!is_table(file->path))
                hash_file(path, file->sha256);
        }
        free(name);
    }
    closedir(open_dir);
    return err;
}

enum mu_err manifest_gather(struct manifest *m, const char *dir, char *why, size_t why_size)
{
    return gather(m, dir, "", why, why_size);
}

/* --- writing --------------------------------------------------------------------------------------*/

static void write_time(struct json_out *j, int64_t us)
{
    time_t s = (time_t)(us / 1000000);
    struct tm tm;
    char text[32];

    gmtime_r(&s, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    json_key(j, "moment");
    json_text(j, text);
    json_key(j, "moment_us");
    json_int(j, us);
}

static void write_number(struct json_out *j, const char *key, uint64_t value)
{
    json_key(j, key);
    json_int(j, (int64_t)value);
}

static void write_json(const struct manifest *m, struct buf *out)
{
    struct json_out j = json_out_to(out);

    json_object_begin(&j);
    write_number(&j, "format", MANIFEST_FORMAT);
    json_key(&j, "muster");
    json_text(&j, m->muster);
    write_time(&j, m->moment_us);
    write_number(&j, "enterprises", m->totals.enterprises);
    write_number(&j, "products", m->totals.products);
    write_number(&j, "devices", m->totals.devices);
    write_number(&j, "users", m->totals.users);
    json_key(&j, "files");
    json_array_begin(&j);
    for (size_t i = 0; i < m->file_count; i++) {
        json_object_begin(&j);
        json_key(&j, "path");
        json_text(&j, m->files[i].path);
        write_number(&j, "bytes", m->files[i].bytes);
        if (m->files[i].sha256[0]) {
            json_key(&j, "sha256");
            json_text(&j, m->files[i].sha256);
        }
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    buf_append_u8(out, '\n');
}

enum mu_err manifest_write(const struct manifest *m, const char *dir, char *why, size_t why_size)
{
    char path[4096], partial[4096 + 8];
    enum mu_err err = MU_OK;
    struct buf out;

    buf_init(&out, MANIFEST_MAX);
    snprintf(path, sizeof(path), "%s/" MANIFEST_NAME, dir);
    snprintf(partial, sizeof(partial), "%s.partial", path);
    write_json(m, &out);
    int fd = out.err == MU_OK ? open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (out.err != MU_OK)
        err = out.err;
    else if (fd < 0 || write(fd, out.data, out.len) != (ssize_t)out.len || fsync(fd) != 0 ||
             rename(partial, path) != 0)
        err = fail(why, why_size, "write", path);
    if (fd >= 0)
        close(fd);
    buf_free(&out);
    return err == MU_OK ? file_sync_dir(dir, why, why_size) : err;
}

/* --- reading --------------------------------------------------------------------------------------*/

/* A path that leads out of the backup is not followed, whoever wrote it. */
static bool is_inside(const char *path)
{
    return path && *path && path[0] != '/' && !strstr(path, "..");
}

static uint64_t number_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static enum mu_err read_files(struct manifest *m, const json_t *files)
{
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *entry = json_array_get(files, i);
        const char *path = json_string_value(json_object_get(entry, "path"));
        const char *hash = json_string_value(json_object_get(entry, "sha256"));
        if (!is_inside(path) || !json_is_integer(json_object_get(entry, "bytes")))
            return MU_E_CORRUPT;
        struct manifest_file *file = add_file(m, strdup(path));
        if (!file)
            return MU_E_NOMEM;
        file->bytes = number_of(entry, "bytes");
        if (hash && !str_copy(file->sha256, sizeof(file->sha256), str_of(hash)))
            return MU_E_CORRUPT;
    }
    return m->file_count ? MU_OK : MU_E_CORRUPT;
}

static enum mu_err read_json(struct manifest *m, const json_t *root, const char *dir, char *why,
                             size_t why_size)
{
    const char *version = json_string_value(json_object_get(root, "muster"));

    snprintf(why, why_size, "the " MANIFEST_NAME " of %s is damaged", dir);
    if (!version || !str_copy(m->muster, sizeof(m->muster), str_of(version)))
        return MU_E_CORRUPT;
    if (number_of(root, "format") != MANIFEST_FORMAT) {
        snprintf(why, why_size, "the backup %s was made by a newer version of muster (%s)", dir, version);
        return MU_E_SCHEMA;
    }
    m->moment_us = json_integer_value(json_object_get(root, "moment_us"));
    m->totals = (struct registry_totals){ number_of(root, "enterprises"), number_of(root, "products"),
                                          number_of(root, "devices"), number_of(root, "users") };
    return read_files(m, json_object_get(root, "files"));
}

enum mu_err manifest_read(struct manifest *m, const char *dir, char *why, size_t why_size)
{
    char path[4096];
    enum mu_err err;
    struct buf text;

    if (!manifest_is_in(dir)) {
        snprintf(why, why_size, "%s is no backup, or one that was broken off: there is no " MANIFEST_NAME
                 " in it", dir);
        return MU_E_NOT_FOUND;
    }
    buf_init(&text, MANIFEST_MAX);
    snprintf(path, sizeof(path), "%s/" MANIFEST_NAME, dir);
    if ((err = file_read(path, &text, why, why_size)) == MU_OK) {
        json_t *root = json_loadb((const char *)text.data, text.len, 0, NULL);
        err = read_json(m, root, dir, why, why_size);
        json_decref(root);
        if (err == MU_OK)
            why[0] = '\0';
    }
    buf_free(&text);
    return err;
}

/* --- comparing ------------------------------------------------------------------------------------*/

void manifest_compare(const struct manifest *m, const char *dir,
                      void (*mistake)(void *ctx, const char *text), void *ctx)
{
    for (size_t i = 0; i < m->file_count; i++) {
        const struct manifest_file *file = &m->files[i];
        char path[4096], hash[2 * 32 + 1], text[4096 + 128] = "";
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", dir, file->path);
        if (stat(path, &st) != 0) {
            snprintf(text, sizeof(text), "file %s: %s", file->path, strerror(errno));
        } else if ((uint64_t)st.st_size != file->bytes) {
            snprintf(text, sizeof(text), "file %s: has %llu bytes, " MANIFEST_NAME " says %llu", file->path,
                     (unsigned long long)st.st_size, (unsigned long long)file->bytes);
        } else if (file->sha256[0]) {
            hash_file(path, hash);
            if (strcmp(hash, file->sha256) != 0)
                snprintf(text, sizeof(text), "file %s: is not what was written (its SHA-256 differs)",
                         file->path);
        }
        if (text[0])
            mistake(ctx, text);
    }
}

uint64_t manifest_bytes(const struct manifest *m)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < m->file_count; i++)
        bytes += m->files[i].bytes;
    return bytes;
}

void manifest_free(struct manifest *m)
{
    for (size_t i = 0; i < m->file_count; i++)
        free(m->files[i].path);
    free(m->files);
    *m = (struct manifest){ 0 };
}
