#ifndef MUSTER_MODEL_ID_H
#define MUSTER_MODEL_ID_H

#include <stdbool.h>

#include "base/text.h"

/* Identifiers (contract, "identifiers"). All are text with a terminator. */

#define ID_HEX_LEN 32 /* product key and secret, enterprise id and secret, appid, uid, gid, token */
#define DID_LEN    22
#define DID_PACKED 17 /* bytes */

/* 128 random bits as 32 lower-case hex digits. Any thread. */
void id_new_hex(char out[ID_HEX_LEN + 1]);
/* 128 random bits as 22 digits of base 57, whose characters leave out 0 O 1 I l. Any thread. */
void did_new(char out[DID_LEN + 1]);

bool id_is_hex(struct str s); /* 32 lower-case hex digits */
bool did_valid(struct str s); /* 22 characters of the did alphabet */
/* Packs a did into six bits a character; memcmp orders packed dids like the texts. A shorter text is filled with zeros.
 * false: the text is longer, or has a character that is no ASCII letter or digit. */
MU_MUST_USE bool did_pack(struct str s, uint8_t out[DID_PACKED]);
void did_unpack(const uint8_t packed[DID_PACKED], char out[DID_LEN + 1]);
bool mac_valid(struct str s);      /* 1 to LIMIT_MAC printable ASCII characters, no blank */
bool passcode_valid(struct str s); /* 1 to LIMIT_PASSCODE printable ASCII characters, no blank */

/* Detects an identifier that a spreadsheet has changed: a rounded number ("8.69E+14"), a formula (="0011"), a text with
 * a leading apostrophe ('0011). Returns what it has done, for a sentence that begins "mac: "; NULL if nothing is
 * visible. */
const char *id_spoilt(struct str s);

#endif
