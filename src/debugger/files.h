#ifndef MUSTER_DEBUGGER_FILES_H
#define MUSTER_DEBUGGER_FILES_H

#include <stddef.h>

/* What the page consists of, put into the program when it is built (embed.py). */

struct debugger_content {
    const unsigned char *bytes;
    size_t len;
    const char *etag; /* quoted; of these very bytes */
};

struct debugger_file {
    const char *name;
    const char *content_type;
    struct debugger_content plain, gzip;
};

extern const struct debugger_file debugger_files[];
extern const size_t debugger_file_count;

#endif
