#include "model/mac.h"

enum { MAC_DIGITS = 12 };

/* The separator of a mac, and after how many digits it stands; '\0': it has none. */
static bool separator_of(struct str mac, char *separator, size_t *every)
{
    switch (mac.len) {
    case MAC_DIGITS:
        *separator = '\0';
        *every = MAC_DIGITS;
        return true;
    case 17:
        *separator = mac.at[2];
        *every = 2;
        return *separator == ':' || *separator == '-';
    case 14:
        *separator = mac.at[4];
        *every = 4;
        return *separator == '.';
    default: return false;
    }
}

/* The digits of a MAC-48 in lower case; false: the text is no MAC-48. */
static bool read_digits(struct str mac, char out[MAC_DIGITS + 1])
{
    char separator;
    size_t every, count = 0;

    if (!separator_of(mac, &separator, &every))
        return false;
    for (size_t i = 0; i < mac.len; i++) {
        char c = mac.at[i], lower = (char)(c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c);
        if (separator && i % (every + 1) == every) {
            if (c != separator)
                return false;
            continue;
        }
        if (!((lower >= '0' && lower <= '9') || (lower >= 'a' && lower <= 'f')))
            return false;
        out[count++] = lower;
    }
    out[count] = '\0';
    return true;
}

enum mac_style mac_style(struct str mac)
{
    char digits[MAC_DIGITS + 1];

    if (!read_digits(mac, digits))
        return MAC_OTHER;
    return str_eq(mac, str_of(digits)) ? MAC_PLAIN : MAC_STYLED;
}

void mac_make_plain(char *mac)
{
    char digits[MAC_DIGITS + 1];

    if (read_digits(str_of(mac), digits)) {
        memset(mac, 0, strlen(mac)); /* rows are compared as bytes */
        memcpy(mac, digits, sizeof(digits));
    }
}
