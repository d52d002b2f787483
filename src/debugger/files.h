#ifndef MUSTER_DEBUGGER_FILES_H
#define MUSTER_DEBUGGER_FILES_H

#include "net/http_static.h"

/* What the page consists of, put into the program when it is built (embed.py). */

struct debugger_file {
    const char *name;
    struct http_static content;
};

extern const struct debugger_file debugger_files[];
extern const size_t debugger_file_count;

#endif
