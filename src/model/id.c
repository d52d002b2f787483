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
