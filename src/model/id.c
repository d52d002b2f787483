#include "model/id.h"

#include "base/limits.h"
#include "base/random.h"

/* Identifiers: new ones, checks, packed dids, and what spreadsheets do to them. */

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
    /* No early end, so that the compiler can test many characters at once. */
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

/* Four characters are three bytes; the last two are two. */
bool did_pack(struct str s, uint8_t out[DID_PACKED])
{
    /* 0: the end of the text, or a character that no did has. */
    static const uint8_t codes[256] = {
        ['0'] = 1, 2,  3,  4,  5,  6,  7,  8,  9,  10, ['A'] = 11, 12, 13, 14, 15, 16,         17, 18, 19, 20, 21,
        22,        23, 24, 25, 26, 27, 28, 29, 30, 31, 32,         33, 34, 35, 36, ['a'] = 37, 38, 39, 40, 41, 42,
        43,        44, 45, 46, 47, 48, 49, 50, 51, 52, 53,         54, 55, 56, 57, 58,         59, 60, 61, 62,
    };
    uint8_t code[DID_LEN + 2] = { 0 }, bytes[DID_PACKED + 1];
    bool is_good = s.len <= DID_LEN;

    for (size_t i = 0; i < s.len && i < DID_LEN; i++) {
        code[i] = codes[(uint8_t)s.at[i]];
        is_good &= code[i] != 0;
    }
    for (size_t i = 0, at = 0; i < DID_LEN; i += 4, at += 3) {
        bytes[at] = (uint8_t)(code[i] << 2 | code[i + 1] >> 4);
        bytes[at + 1] = (uint8_t)(code[i + 1] << 4 | code[i + 2] >> 2);
        bytes[at + 2] = (uint8_t)(code[i + 2] << 6 | code[i + 3]);
    }
    memcpy(out, bytes, DID_PACKED);
    return is_good;
}

void did_unpack(const uint8_t packed[DID_PACKED], char out[DID_LEN + 1])
{
    static const char characters[64] = "\0"
                                       "0123456789"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "abcdefghijklmnopqrstuvwxyz";

    for (size_t i = 0, at = 0; i < DID_LEN; i += 4, at += 3) {
        uint32_t four = (uint32_t)packed[at] << 16 | (uint32_t)packed[at + 1] << 8;
        if (at + 2 < DID_PACKED)
            four |= packed[at + 2];
        for (size_t k = i; k < i + 4 && k < DID_LEN; k++)
            out[k] = characters[four >> (18 - 6 * (k - i)) & 63];
    }
    out[DID_LEN] = '\0';
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

/* An apostrophe before an identifier; but not "'s-Gravenhage" or "'t". */
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
