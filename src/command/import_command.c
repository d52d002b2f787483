/* muster import: reads users, devices, groups or bindings from a file, row by row. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/import_operation.h"
#include "command/mac_setting.h"
#include "command/row_reader.h"
#include "ops/local.h"
#include "ops/progress.h"
#include "ops/settings.h"

struct import_command {
    const char *file;
    enum import_kind kind;
    struct row_reader reader;
    struct operation_place place;
    struct progress progress;
    char what[40]; /* "1200 devices" */
    struct buf rows, request, answer;
    size_t row_count;  /* in `rows` */
    struct buf unread; /* "line 3: why", one line for each row that could not be read */
    struct buf seen;   /* one bit for each number: the things that the file has named so far */
    uint64_t entry;    /* of this import in the audit log */
    bool mac_lower;
    struct buf styled; /* struct import_mac_tally each; counts for the whole file so far */
    uint64_t taken;    /* rows that have been processed, good or not */
    uint64_t created, updated, unchanged, refused;
    int status;
};

/* --- interruption: the current batch is finished first --------------------------------------------*/

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* A second signal ends the command at once. That loses nothing, either. */
static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* --- telling --------------------------------------------------------------------------------------*/

static struct str text_of(const struct buf *b)
{
    return (struct str){ (const char *)b->data, b->len };
}

static void note_unread(struct import_command *im)
{
    buf_printf(&im->unread, "line %zu: %s\n", im->reader.source.line, im->reader.source.why);
    im->refused++;
    im->taken++;
}

static size_t line_of(struct str mistakes)
{
    return mistakes.len ? strtoul(mistakes.at + strlen("line "), NULL, 10) : SIZE_MAX;
}

/* Prints the rows that the registry refused and those that could not be read, in the order of the file. */
static void tell_mistakes(struct import_command *im, struct str refused)
{
    struct str unread = text_of(&im->unread);

    if (refused.len || unread.len)
        progress_end(&im->progress);
    while (refused.len || unread.len) {
        struct str line = str_take_line(line_of(refused) < line_of(unread) ? &refused : &unread);
        fprintf(stderr, "muster import: %s: %.*s\n", im->file, (int)line.len, line.at);
    }
    buf_clear(&im->unread);
}

/* If the file is not UTF-8: prints its likely encoding, and the command that converts it. */
static void tell_encoding(const struct import_command *im)
{
    const char *encoding = row_reader_encoding(&im->reader);

    if (encoding)
        fprintf(stderr,
                "muster import: %s: is not UTF-8; it looks like %s; this makes UTF-8 of it: "
                "iconv -f %s -t UTF-8 %s > NEW\n",
                im->file, encoding, encoding, im->file);
}

/* Prints warnings about all batches together: a warning about one row may depend on later rows. */
static void tell_warnings(struct import_command *im)
{
    struct str left;

    if (!im->styled.len || im->status)
        return;
    buf_clear(&im->request);
    buf_clear(&im->answer);
    import_operation_warnings(&im->request, text_of(&im->styled));
    im->status = operation_run(&im->place, &import_operation, text_of(&im->request), &im->answer);
    if (im->status)
        operation_print("muster import", im->status, &im->answer);
    for (left = text_of(&im->answer); !im->status && left.len;) {
        struct str line = str_take_line(&left);
        fprintf(stderr, "muster import: %s: warning: %.*s\n", im->file, (int)line.len, line.at);
    }
}

static int tell_end(struct import_command *im)
{
    tell_encoding(im);
    if (interrupted) {
        fprintf(stderr,
                "muster import: %s: interrupted; everything before line %zu has been imported, "
                "run it again for the rest\n",
                im->file, im->reader.source.line);
        im->status = 1;
    }
    bool all_went_well = im->status == 0 && im->refused == 0;
    if ((im->status == 0 || im->taken) && !(im->place.quiet && all_went_well))
        printf("%s: %llu created, %llu updated, %llu unchanged, %llu refused\n", import_kind_words[im->kind],
               (unsigned long long)im->created, (unsigned long long)im->updated, (unsigned long long)im->unchanged,
               (unsigned long long)im->refused);
    return im->status ? im->status : im->refused ? 2 : 0;
}

/* --- batches --------------------------------------------------------------------------------------*/

static enum mu_err note_seen(struct buf *seen, struct str numbers)
{
    for (uint32_t no; numbers.len >= sizeof(no); numbers.at += sizeof(no), numbers.len -= sizeof(no)) {
        memcpy(&no, numbers.at, sizeof(no));
        size_t byte = no / 8;
        if (byte >= seen->len) {
            size_t more = byte + 1 - seen->len;
            uint8_t *at = buf_reserve(seen, more);
            if (!at)
                return seen->err;
            memset(at, 0, more);
            seen->len += more;
        }
        seen->data[byte] |= (uint8_t)(1u << no % 8);
    }
    return MU_OK;
}

static enum mu_err note_styled(struct buf *styled, struct str more)
{
    for (struct import_mac_tally one; more.len >= sizeof(one); more.at += sizeof(one), more.len -= sizeof(one)) {
        memcpy(&one, more.at, sizeof(one));
        import_mac_tally_add(styled, &one);
    }
    return styled->err;
}

static void take_result(struct import_command *im)
{
    struct import_result result;

    if (!import_operation_result(text_of(&im->answer), &result) || note_seen(&im->seen, result.numbers) != MU_OK ||
        note_styled(&im->styled, result.styled) != MU_OK) {
        fprintf(stderr, "muster import: the answer cannot be read\n");
        im->status = 1;
        return;
    }
    im->created += result.created;
    im->updated += result.updated;
    im->unchanged += result.unchanged;
    im->refused += result.refused;
    im->entry = result.entry;
    im->taken += im->row_count;
    tell_mistakes(im, result.mistakes);
}

static void run_batch(struct import_command *im)
{
    buf_clear(&im->request);
    buf_clear(&im->answer);
    import_operation_request(&im->request, &(struct import_batch){ .kind = im->kind,
                                                                   .mac_lower = im->mac_lower,
                                                                   .entry = im->entry,
                                                                   .seen = text_of(&im->seen),
                                                                   .rows = text_of(&im->rows) });
    im->status = im->rows.err != MU_OK || im->request.err != MU_OK
                     ? 1
                     : operation_run(&im->place, &import_operation, text_of(&im->request), &im->answer);
    if (im->status == 0) {
        take_result(im);
    } else {
        progress_end(&im->progress);
        operation_print("muster import", im->status, &im->answer);
    }
}

/* Sends the rows gathered so far. status tells whether to go on. */
static void send_batch(struct import_command *im)
{
    if (im->row_count)
        run_batch(im);
    tell_mistakes(im, STR(""));
    im->row_count = 0;
    buf_clear(&im->rows);
    snprintf(im->what, sizeof(im->what), "%llu %s", (unsigned long long)im->taken, import_kind_words[im->kind]);
    progress_add(&im->progress, im->reader.source.taken - im->progress.done);
}

static bool is_full(const struct import_command *im)
{
    bool at_rest = im->place.at_rest;

    return im->row_count >= (at_rest ? IMPORT_ROWS_AT_REST : IMPORT_ROWS) || im->unread.len >= IMPORT_UNREAD_BYTES ||
           im->rows.len >= (at_rest ? IMPORT_BYTES_AT_REST : IMPORT_BYTES);
}

static void import_file(struct import_command *im)
{
    enum row_found found = ROW_FOUND;

    while (!interrupted && im->status == 0 && (found == ROW_FOUND || found == ROW_BAD)) {
        found = row_reader_next(&im->reader, &im->rows);
        im->row_count += found == ROW_FOUND;
        if (found == ROW_BAD)
            note_unread(im);
        if (is_full(im))
            send_batch(im);
    }
    if (im->status == 0)
        send_batch(im);
    if (found == ROW_UNREADABLE && !interrupted) {
        fprintf(stderr, "muster import: %s: %s\n", im->file, im->reader.source.why);
        im->status = 1;
    }
}

/* --- the command ----------------------------------------------------------------------------------*/

static int open_file(const char *file)
{
    int fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        fprintf(stderr, "muster import: cannot open %s: %s\n", file, strerror(errno));
    return fd;
}

static uint64_t size_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

static int run(struct import_command *im, int fd, enum row_format format)
{
    if (row_reader_open(&im->reader, fd, im->kind, format) != ROW_FOUND) {
        fprintf(stderr, "muster import: %s: line %zu: %s\n", im->file, im->reader.source.line, im->reader.source.why);
        tell_encoding(im);
        return 2;
    }
    catch_signals();
    im->progress = progress_of(im->place.quiet ? NULL : "muster import", im->what, size_of(fd));
    import_file(im);
    progress_end(&im->progress);
    tell_warnings(im);
    operation_leave(&im->place);
    return tell_end(im);
}

static int import_from(struct import_command *im, enum row_format format)
{
    int fd = open_file(im->file), status;

    if (fd < 0)
        return 2;
    /* A row may be longer in this form than in the file. */
    buf_init(&im->rows, IMPORT_BYTES_AT_REST + 8 * ROW_TEXT_MAX);
    buf_init(&im->unread, 2 * IMPORT_UNREAD_BYTES);
    buf_init(&im->request, LOCAL_INPUT_MAX);
    buf_init(&im->answer, LOCAL_ANSWER_MAX);
    buf_init(&im->seen, LOCAL_INPUT_MAX / 2);
    buf_init(&im->styled, LOCAL_INPUT_MAX / 2);
    status = run(im, fd, format);
    row_reader_close(&im->reader);
    buf_free(&im->rows);
    buf_free(&im->unread);
    buf_free(&im->request);
    buf_free(&im->answer);
    buf_free(&im->seen);
    buf_free(&im->styled);
    if (fd != STDIN_FILENO)
        close(fd);
    return status;
}

static int import(const struct settings *s)
{
    struct import_command *im = calloc(1, sizeof(*im));
    enum row_format format;
    int status = 2;

    if (!im) {
        fprintf(stderr, "muster import: out of memory\n");
    } else if (!row_reader_format(setting_text(s, "format"), s->arguments[1], &format)) {
        fprintf(stderr,
                "muster import: is it csv or ndjson? Give --format, or a file name that ends with .csv or .ndjson\n");
    } else {
        im->kind = import_kind_of(s->arguments[0]);
        im->place = operation_place(s);
        im->file = s->arguments[1];
        im->mac_lower = mac_lower(s);
        status = import_from(im, format);
    }
    free(im);
    return status;
}

/* clang-format off: a table */
static const struct setting import_settings[] = {
    STORES_SETTINGS,
    CONFIG_SETTING,
    { .name = "format",
      .kind = SETTING_WORD,
      .flag_only = true,
      .metavar = "csv|ndjson|jsonl",
      .help = "the file's format; by default the one of its name's ending" },
    MAC_SETTING,
    QUIET_SETTING,
    COMMON_SETTINGS,
};
/* clang-format on */

const struct command command_import = {
    .name = "import",
    .group = COMMAND_DEVICES,
    .summary = "brings in users, devices, groups or bindings, row by row",
    .description = "Creates or updates what the rows of a file describe. A wrong row is reported with its line and "
                   "changes nothing; the others are stored. Importing a file again changes nothing. Works while the "
                   "server runs.",
    .settings = import_settings,
    .arguments = { { .name = IMPORT_KINDS, .kind = SETTING_WORD },
                   { .name = "FILE",
                     .kind = SETTING_FILE,
                     .help = "FILE.csv or FILE.ndjson; \"-\" is standard input, with --format" } },
    .examples = { { "muster import --data data devices devices.csv", "devices with their passcodes" } },
    .run = import,
};
