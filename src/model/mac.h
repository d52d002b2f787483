#ifndef MUSTER_MODEL_MAC_H
#define MUSTER_MODEL_MAC_H

#include "base/text.h"

/* How a mac is written. Devices are found by the bytes of the mac, so the same mac written in two ways makes two
 * devices. Pure. */
enum mac_style {
    MAC_PLAIN,  /* a MAC-48 as modules write it: 12 digits, a to f in lower case */
    MAC_STYLED, /* a MAC-48 with capitals, or with ':' or '-' between pairs or '.' between fours */
    MAC_OTHER,  /* something else: an IMEI, "virtual:site" */
};
enum mac_style mac_style(struct str mac);

/* Makes MAC_STYLED MAC_PLAIN, in place; leaves others as they are. */
void mac_make_plain(char *mac);

#endif
