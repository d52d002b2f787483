#ifndef MUSTER_DEBUGGER_FILES_H
#define MUSTER_DEBUGGER_FILES_H

#include "net/http_static.h"

/* The files of the page. embed.py puts them into the program when it is built. */

struct debugger_file {
    const char *name;
    struct http_static content;
};

extern const struct debugger_file debugger_files[];
extern const size_t debugger_file_count;

#endif
