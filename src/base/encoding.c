#include "base/encoding.h"

/* In UTF-16 nearly every second byte is 0 where the text is ASCII, as the names of columns are. */
const char *encoding_guess_wide(struct str s)
{
    size_t zeros[2] = { 0, 0 };

    if (str_starts(s, STR("\xff\xfe")) || str_starts(s, STR("\xfe\xff")))
        return "UTF-16";
    for (size_t i = 0; i < s.len; i++)
        zeros[i % 2] += s.at[i] == '\0';
    if (zeros[0] + zeros[1] < 1 + s.len / 4)
        return NULL;
    return zeros[0] > zeros[1] ? "UTF-16BE" : "UTF-16LE";
}

/* In Chinese encodings high bytes come in pairs; in western ones a single high byte stands between letters. */
const char *encoding_guess(struct str s)
{
    const char *wide = encoding_guess_wide(s);
    size_t pairs = 0, singles = 0, step;

    if (wide)
        return wide;
    for (size_t i = 0; i < s.len; i += step) {
        uint8_t c = (uint8_t)s.at[i], next = i + 1 < s.len ? (uint8_t)s.at[i + 1] : 0;
        step = utf8_char_len((struct str){ s.at + i, s.len - i });
        if (step)
            continue;
        bool pair = c > 0x80 && c < 0xff && next > 0xa0 && next < 0xff;
        step = pair ? 2 : 1;
        pairs += pair;
        singles += !pair;
    }
    return !pairs && !singles ? NULL : pairs >= singles ? "GB18030" : "WINDOWS-1252";
}
