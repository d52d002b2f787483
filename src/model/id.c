#include "model/id.h"

#include "base/limits.h"
#include "base/random.h"

static const char did_alphabet[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
#define DID_BASE (sizeof(did_alphabet) - 1)

void id_new_hex(char out[ID_HEX_LEN + 1])
{
    uint8_t bytes[ID_HEX_LEN / 2];

    random_bytes(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), out);
}

void did_new(char out[DID_LEN + 1])
{
    unsigned __int128 number;

    random_bytes(&number, sizeof(number));
    for (size_t i = DID_LEN; i-- > 0; number /= DID_BASE)
        out[i] = did_alphabet[number % DID_BASE];
    out[DID_LEN] = '\0';
}

bool id_is_hex(struct str s)
{
    if (s.len != ID_HEX_LEN)
        return false;
    /* To the end in any case, so that the compiler looks at many at once. */
    unsigned foreign = 0;
    for (size_t i = 0; i < ID_HEX_LEN; i++) {
        uint8_t c = (uint8_t)s.at[i];
        foreign |= ((uint8_t)(c - '0') > 9) & ((uint8_t)(c - 'a') > 5);
    }
    return !foreign;
}

bool did_valid(struct str s)
{
    if (s.len != DID_LEN)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!memchr(did_alphabet, s.at[i], DID_BASE))
            return false;
    }
    return true;
}

static bool is_printable(struct str s, size_t max)
{
    if (s.len == 0 || s.len > max)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] <= ' ' || s.at[i] > '~')
            return false;
    }
    return true;
}

bool mac_valid(struct str s)
{
    return is_printable(s, LIMIT_MAC);
}

bool passcode_valid(struct str s)
{
    return is_printable(s, LIMIT_PASSCODE);
}

/* --- spreadsheets ---------------------------------------------------------------------------------*/

static size_t skip_digits(struct str s, size_t at)
{
    while (at < s.len && s.at[at] >= '0' && s.at[at] <= '9')
        at++;
    return at;
}

/* "8.69E+14", "1,22e+11" */
static bool is_rounded(struct str s)
{
    size_t begin = s.len && s.at[0] == '-', at = skip_digits(s, begin);

    if (at == begin)
        return false;
    if (at < s.len && (s.at[at] == '.' || s.at[at] == ','))
        at = skip_digits(s, at + 1);
    if (at + 2 >= s.len || (s.at[at] != 'E' && s.at[at] != 'e') || (s.at[at + 1] != '+' && s.at[at + 1] != '-'))
        return false;
    return skip_digits(s, at + 2) == s.len;
}

/* Not "'s-Gravenhage" nor "'t". */
static bool is_marked(struct str s)
{
    bool digit = false;

    for (size_t i = 1; i < s.len; i++) {
        char c = s.at[i];
        bool hex = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        digit |= c >= '0' && c <= '9';
        if (!hex && (c < '0' || c > '9') && !memchr(":-.+", c, 4))
            return false;
    }
    return s.len && s.at[0] == '\'' && (digit || s.len > 12);
}

const char *id_spoilt(struct str s)
{
    if (is_rounded(s))
        return "a spreadsheet has rounded it (such as 8.69E+14); let the column be text there, and fill it in again";
    if (str_starts(s, STR("=\"")))
        return "it is a spreadsheet's formula (=\"...\"); write its text alone, and let the column be text";
    if (is_marked(s))
        return "it begins with the apostrophe by which spreadsheets mark a text; leave that out";
    return NULL;
}
