#include "base/findings.h"

#include <stdarg.h>
#include <stdio.h>

void findings_mistake(const struct findings *f, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    f->mistake(f->ctx, text);
}
