#ifndef MUSTER_BASE_ENCODING_H
#define MUSTER_BASE_ENCODING_H

#include "base/text.h"

/* What encoding a text is likely to be in, by the name that iconv(1) knows: "UTF-16" (it has its mark),
 * "UTF-16LE", "UTF-16BE", "GB18030" (GBK and GB2312 are parts of it), "WINDOWS-1252". NULL: it is UTF-8.
 * The result is static. A guess: it tells what spreadsheets write from each other, not all encodings that
 * there are. Pure. */
const char *encoding_guess(struct str s);

/* As above; a text whose last character is cut off is UTF-8, too, and only UTF-16 is told from it: for the
 * beginning of a file, of which nothing else is certain. */
const char *encoding_guess_wide(struct str s);

#endif
