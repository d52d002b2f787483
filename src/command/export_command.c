/* muster export: writes users, devices, groups or bindings in the form that muster import reads. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/export_operation.h"
#include "command/import_operation.h"
#include "command/row_writer.h"
#include "ops/file.h"
#include "ops/local.h"
#include "ops/progress.h"
#include "ops/settings.h"

struct export
{
    const char *file; /* NULL: standard output */
    char *part;       /* the path of its temporary name, until the file is complete */
    const char *product;
    enum import_kind kind;
    enum row_format format;
    struct operation_place place;
    struct buf request, answer;
    struct progress progress;
    char what[40];
    uint64_t rows;
};

/* --- pages ----------------------------------------------------------------------------------------*/

static int fail(const struct export *ex, const char *why)
{
    fprintf(stderr, "muster export: %s: %s\n", ex->file ? ex->file : "-", why);
    return 1;
}

static uint64_t count_lines(struct str rows)
{
    uint64_t n = 0;

    for (const char *at = rows.at, *end = rows.at + rows.len; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        n++;
    return n;
}

static int write_page(struct export *ex, struct row_writer *w, uint64_t *next)
{
    struct str rows;

    if (!export_operation_answer((struct str){ (const char *)ex->answer.data, ex->answer.len }, next, &rows) ||
        row_writer_add(w, rows) != MU_OK)
        return fail(ex, "the answer cannot be read");
    if (ferror(w->file)) /* errno may be from another call by now */
        return fail(ex, "writing failed; is there room?");
    ex->rows += count_lines(rows);
    snprintf(ex->what, sizeof(ex->what), "%llu %s", (unsigned long long)ex->rows, import_kind_words[ex->kind]);
    if (ex->file)
        progress_add(&ex->progress, 0);
    return 0;
}

static int write_pages(struct export *ex, struct row_writer *w)
{
    uint64_t next = 0;
    int status;

    do {
        buf_clear(&ex->request);
        buf_clear(&ex->answer);
        export_operation_request(&ex->request, ex->kind, next, ex->product);
        status = operation_run(&ex->place, &export_operation,
                               (struct str){ (const char *)ex->request.data, ex->request.len }, &ex->answer);
        if (status != 0)
            operation_print("muster export", status, &ex->answer);
        else
            status = write_page(ex, w, &next);
    } while (status == 0 && next);
    return status;
}

static int write_rows(struct export *ex, FILE *file)
{
    struct row_writer w;
    int status;

    buf_init(&ex->request, 200);
    buf_init(&ex->answer, LOCAL_ANSWER_MAX);
    ex->progress = progress_of(ex->place.quiet ? NULL : "muster export", ex->what, 0);
    row_writer_init(&w, file, ex->kind, ex->format);
    status = write_pages(ex, &w);
    row_writer_free(&w);
    progress_end(&ex->progress);
    operation_leave(&ex->place);
    buf_free(&ex->request);
    buf_free(&ex->answer);
    return status;
}

/* --- the file -------------------------------------------------------------------------------------*/

static volatile pid_t writer;

static void end_writer(int signal)
{
    if (writer > 0)
        kill(writer, signal);
}

static const int ends[] = { SIGINT, SIGTERM, SIGHUP };

/* Blocks or unblocks the signals that end this process. They stay blocked while the part exists and nothing would
 * remove it. */
static void hold_ends(int how)
{
    sigset_t held;

    sigemptyset(&held);
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        sigaddset(&held, ends[i]);
    sigprocmask(how, &held, NULL);
}

/* Starts the child that writes. A signal that would end this process then ends the child, and this process removes
 * the part. */
static pid_t fork_writer(void)
{
    assert(writer == 0);
    writer = fork();
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends) && writer > 0; i++)
        sigaction(ends[i], &(struct sigaction){ .sa_handler = end_writer }, NULL);
    hold_ends(SIG_UNBLOCK);
    return writer;
}

/* Writes the rows in a child process: at rest it becomes the owner of the data, who may not write elsewhere. */
static int write_rows_apart(struct export *ex, FILE *file)
{
    uint64_t *rows = mmap(NULL, sizeof(*rows), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = rows == MAP_FAILED ? -1 : fork_writer();
    int status = 0;

    if (child == 0) {
        status = write_rows(ex, file);
        if (status == 0 && (fflush(file) != 0 || fsync(fileno(file)) != 0))
            status = fail(ex, strerror(errno));
        *rows = ex->rows;
        _exit(status);
    }
    if (child < 0)
        status = fail(ex, strerror(errno));
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    writer = 0;
    if (child > 0)
        status = WIFEXITED(status) ? WEXITSTATUS(status) : fail(ex, "interrupted");
    if (rows != MAP_FAILED) {
        ex->rows = *rows;
        munmap(rows, sizeof(*rows));
    }
    return status;
}

/* The file holds passcodes: only its owner may read it. It gets its name when it is complete. */
static int write_file(struct export *ex)
{
    char why[512];

    hold_ends(SIG_BLOCK);
    unlink(ex->part); /* left by another export, or placed by somebody who wants to read the passcodes */
    int fd = open(ex->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (!file) {
        bool full = mu_err_of_errno(errno) == MU_E_FULL;
        fail(ex, strerror(errno));
        return full ? 1 : 2;
    }
    int status = write_rows_apart(ex, file);
    fclose(file);
    if (status == 0 && rename(ex->part, ex->file) != 0)
        status = fail(ex, strerror(errno));
    if (status == 0 && file_sync_parent(ex->file, why, sizeof(why)) != MU_OK)
        status = fail(ex, why);
    if (status != 0)
        unlink(ex->part);
    else if (!ex->place.quiet)
        printf("%s: %llu exported\n", import_kind_words[ex->kind], (unsigned long long)ex->rows);
    return status;
}

static int write_output(struct export *ex)
{
    int status = write_rows(ex, stdout);

    return status == 0 && fflush(stdout) != 0 ? fail(ex, strerror(errno)) : status;
}

/* --- the command ----------------------------------------------------------------------------------*/

static bool prepare(struct export *ex, const struct settings *s)
{
    const char *format = setting_text(s, "format");

    ex->file = s->arguments[1] && strcmp(s->arguments[1], "-") != 0 ? s->arguments[1] : NULL;
    ex->product = setting_text(s, "product");
    ex->kind = import_kind_of(s->arguments[0]);
    if (!row_reader_format(format || ex->file ? format : "csv", ex->file, &ex->format))
        fprintf(stderr,
                "muster export: is it csv or ndjson? Give --format, or a file name that ends with .csv or .ndjson\n");
    else if (ex->product && !id_is_hex(str_of(ex->product)))
        fprintf(stderr, "muster export: --product: a product key has 32 lower-case hex digits\n");
    else if (ex->file && asprintf(&ex->part, "%s.part", ex->file) < 0)
        fprintf(stderr, "muster export: out of memory\n");
    else {
        ex->place = operation_place(s);
        return true;
    }
    return false;
}

static int export(const struct settings *s)
{
    struct export ex = { 0 };
    int status = 2;

    if (prepare(&ex, s))
        status = ex.file ? write_file(&ex) : write_output(&ex);
    free(ex.part);
    return status;
}

/* clang-format off: a table */
static const struct setting export_settings[] = {
    STORES_SETTINGS,
    CONFIG_SETTING,
    { .name = "product",
      .kind = SETTING_TEXT,
      .flag_only = true,
      .metavar = "PRODUCT_KEY",
      .help = "only rows of this product; for users: of its apps" },
    { .name = "format",
      .kind = SETTING_WORD,
      .flag_only = true,
      .metavar = "csv|ndjson|jsonl",
      .help = "the file's format; by default the one of its name's ending; without a file: csv" },
    QUIET_SETTING,
    COMMON_SETTINGS
};
/* clang-format on */

const struct command command_export = {
    .name = "export",
    .group = COMMAND_DEVICES,
    .summary = "writes users, devices, groups or bindings, row by row",
    .description = "Writes rows as muster import reads them. Secrets of devices are among them. Works while the server "
                   "runs.",
    .settings = export_settings,
    .arguments = { { .name = IMPORT_KINDS, .kind = SETTING_WORD },
                   { .name = "FILE",
                     .kind = SETTING_FILE,
                     .optional = true,
                     .help = "FILE.csv or FILE.ndjson; without one, or with \"-\": standard output" } },
    .examples = { { "muster export --data data devices devices.csv", "all devices as a table" } },
    .run = export,
};
