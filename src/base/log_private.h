#ifndef MUSTER_BASE_LOG_PRIVATE_H
#define MUSTER_BASE_LOG_PRIVATE_H

#include <stdarg.h>
#include <stddef.h>

#include "base/log.h"

/* What log.c (the words of a line) and log_writer.c (its way to stderr) share. */

#define LOG_LINE_SIZE 4096 /* what a pipe takes at once (PIPE_BUF), so that lines do not mix there */

/* A whole line with its end; returns its length. */
size_t log_format(char line[LOG_LINE_SIZE], enum log_level level, const char *event, const char *format, va_list args);

/* Hands a line to the writer's thread; without one, writes it. */
void log_write(const char *line, size_t len);

#endif
