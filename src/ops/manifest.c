#include "ops/manifest.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "ops/dir.h"
#include "ops/file.h"

/* The manifest of a backup, backup.json: gathers it, writes it, reads it, compares files with it. */

enum { MANIFEST_FORMAT = 1, MANIFEST_MAX = 16 * 1024 * 1024 };

bool manifest_is_in(const char *dir)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/" MANIFEST_NAME, dir);
    return access(path, F_OK) == 0;
}

/* --- gathering ------------------------------------------------------------------------------------*/

static bool is_table(const char *path)
{
    size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, ".sst") == 0;
}

static struct manifest_file *add_file(struct manifest *m, char *path)
{
    if (!path || !ARRAY_RESERVE(m->files, m->file_cap, m->file_count + 1)) {
        free(path);
        return NULL;
    }
    assert(m->file_count < m->file_cap);
    m->files[m->file_count] = (struct manifest_file){ .path = path };
    return &m->files[m->file_count++];
}

static enum mu_err gather_file(struct manifest *m, int dir, char *path, char *why, size_t why_size)
{
    struct manifest_file *file = add_file(m, path);
    struct stat st;
    int fd;

    if (!file)
        return MU_E_NOMEM;
    enum mu_err err = dir_open_file(dir, file->path, &fd, why, why_size);
    if (err != MU_OK)
        return err;
    if (fstat(fd, &st) != 0)
        err = file_fail(why, why_size, "read", file->path);
    file->bytes = (uint64_t)st.st_size;
    if (!is_table(file->path))
        digest_of_file(fd, file->sha256);
    close(fd);
    return err;
}

static enum mu_err gather(struct manifest *m, int dir, const char *below, char *why, size_t why_size)
{
    char *name;
    enum mu_err err = MU_OK;
    int fd = dir_open_in(dir, *below ? below : ".");
    DIR *listed = fd >= 0 ? fdopendir(fd) : NULL;

    if (!listed) {
        if (fd >= 0)
            close(fd);
        return file_fail(why, why_size, "read", *below ? below : "the backup");
    }
    assert(!strchr(below, '/'));
    for (struct dirent *entry; err == MU_OK && (entry = readdir(listed));) {
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        if (asprintf(&name, "%s%s%s", below, *below ? "/" : "", entry->d_name) < 0) {
            err = MU_E_NOMEM;
            break;
        }
        if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            err = file_fail(why, why_size, "read", name);
        } else if (S_ISDIR(st.st_mode) && !*below) {
            err = gather(m, dir, name, why, why_size);
        } else if (S_ISREG(st.st_mode) && strcmp(name, MANIFEST_NAME) != 0) {
            err = gather_file(m, dir, name, why, why_size);
            name = NULL;
        }
        free(name);
    }
    closedir(listed);
    return err;
}

enum mu_err manifest_gather(struct manifest *m, int dir, char *why, size_t why_size)
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
    json_put_text(j, "moment", text);
    json_put_int(j, "moment_us", us);
}

static void write_json(const struct manifest *m, struct buf *out)
{
    struct json_out j = json_out_to(out);

    json_object_begin(&j);
    json_put_int(&j, "format", MANIFEST_FORMAT);
    json_put_text(&j, "muster", m->muster);
    write_time(&j, m->moment_us);
    json_put_count(&j, "enterprises", m->totals.enterprises);
    json_put_count(&j, "products", m->totals.products);
    json_put_count(&j, "devices", m->totals.devices);
    json_put_count(&j, "users", m->totals.users);
    json_put_array(&j, "files");
    for (size_t i = 0; i < m->file_count; i++) {
        json_object_begin(&j);
        json_put_text(&j, "path", m->files[i].path);
        json_put_count(&j, "bytes", m->files[i].bytes);
        if (m->files[i].sha256[0])
            json_put_text(&j, "sha256", m->files[i].sha256);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    buf_append_u8(out, '\n');
}

enum mu_err manifest_write(const struct manifest *m, int dir, char *why, size_t why_size)
{
    static const char partial[] = MANIFEST_NAME ".partial";
    enum mu_err err = MU_OK;
    struct buf out;

    buf_init(&out, MANIFEST_MAX);
    write_json(m, &out);
    unlinkat(dir, partial, 0);
    int fd = out.err == MU_OK ? dir_create_file(dir, partial) : -1;
    if (out.err != MU_OK)
        err = out.err;
    else if (fd < 0 || write(fd, out.data, out.len) != (ssize_t)out.len || fsync(fd) != 0 ||
             renameat(dir, partial, dir, MANIFEST_NAME) != 0 || fsync(dir) != 0)
        err = file_fail(why, why_size, "write", MANIFEST_NAME);
    if (fd >= 0)
        close(fd);
    buf_free(&out);
    return err;
}

/* --- reading --------------------------------------------------------------------------------------*/

/* Whether path stays inside the backup. Files lie in it, or in a directory directly in it. A manifest from anywhere
 * may be read, so other paths are refused. */
static bool is_inside(const char *path)
{
    unsigned names = 0;

    for (const char *end; path && names++ < 2; path = end + 1) {
        end = strchrnul(path, '/');
        size_t len = (size_t)(end - path);
        if (len == 0 || strncmp(path, "..", len) == 0)
            return false;
        if (!*end)
            return true;
    }
    return false;
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

static enum mu_err read_json(struct manifest *m, const json_t *root, const char *dir, char *why, size_t why_size)
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

enum mu_err manifest_read(struct manifest *m, int dir, const char *name, char *why, size_t why_size)
{
    enum mu_err err;
    struct buf text;
    int fd;

    if ((err = dir_open_file(dir, MANIFEST_NAME, &fd, why, why_size)) == MU_E_NOT_FOUND)
        snprintf(why, why_size, "%s is not a backup, or was interrupted: there is no " MANIFEST_NAME " in it", name);
    if (err != MU_OK)
        return err;
    buf_init(&text, MANIFEST_MAX);
    if ((err = file_read_open(fd, MANIFEST_NAME, &text, why, why_size)) == MU_OK) {
        json_t *root = json_read((struct str){ (const char *)text.data, text.len }, 0, NULL);
        err = read_json(m, root, name, why, why_size);
        json_decref(root);
        if (err == MU_OK)
            why[0] = '\0';
    }
    close(fd);
    buf_free(&text);
    return err;
}

/* --- comparing ------------------------------------------------------------------------------------*/

bool manifest_file_matches(const struct manifest_file *file, uint64_t bytes, const char *sha256, char *why,
                           size_t why_size)
{
    assert(file->path);
    if (bytes != file->bytes)
        snprintf(why, why_size, "file %s: has %llu bytes, " MANIFEST_NAME " says %llu", file->path,
                 (unsigned long long)bytes, (unsigned long long)file->bytes);
    else if (file->sha256[0] && strcmp(sha256, file->sha256) != 0)
        snprintf(why, why_size, "file %s: is not what was written (its SHA-256 differs)", file->path);
    else
        return true;
    return false;
}

bool manifest_compare(const struct manifest *m, int dir, void (*mistake)(void *ctx, const char *text), void *ctx)
{
    bool all_files = true;

    for (size_t i = 0; i < m->file_count; i++) {
        const struct manifest_file *file = &m->files[i];
        char hash[DIGEST_TEXT] = "", text[4096 + 128];
        struct stat st = { 0 };
        int fd;

        enum mu_err err = dir_open_file(dir, file->path, &fd, text, sizeof(text));
        bool good = err == MU_OK;
        all_files &= err != MU_E_REFUSED;
        if (good) {
            if (fstat(fd, &st) == 0 && (uint64_t)st.st_size == file->bytes && file->sha256[0])
                digest_of_file(fd, hash);
            good = manifest_file_matches(file, (uint64_t)st.st_size, hash, text, sizeof(text));
            close(fd);
        }
        if (!good)
            mistake(ctx, text);
    }
    return all_files;
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
