#ifndef MUSTER_BASE_ENCODING_H
#define MUSTER_BASE_ENCODING_H

#include "base/text.h"

/* What encoding a text is likely to be in, by the name that iconv(1) knows: "UTF-16" (it has its mark),
 * "UTF-16LE", "UTF-16BE", "GB18030" (GBK and GB2312 are parts of it), "WINDOWS-1252". NULL: it is UTF-8.
 * The result is static. It is a guess that separates the encodings which spreadsheets write; there are others. Pure. */
const char *encoding_guess(struct str s);

/* The same for the beginning of a file, whose last character may be cut off: tells only UTF-16 from UTF-8, since nothing
 * else is certain there. */
const char *encoding_guess_wide(struct str s);

#endif
