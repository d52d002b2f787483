#ifndef MUSTER_API_PARTIAL_H
#define MUSTER_API_PARTIAL_H

#include "api/call.h"

/* For calls that do something to each item of a list, and answer for each whether it worked: {"failed": […],
 * "success": […]}. The answer keeps the order of the list; an item that occurs twice is answered once. */
struct partial {
    const char **items;
    bool *done; /* for each item; all false at first */
    size_t count;
};

/* 5002 unless the list is an array of texts with at most max items (0 = any number). */
MU_MUST_USE enum api_error partial_check(struct api_call *call, const char *name, const json_t *list, size_t max);
/* Reads an array of texts, or one text with commas between the items; there, blanks around items do not count, and
 * empty items are left out. The items live as long as the list and the exchange. False if there is no memory. */
bool partial_read(struct api_call *call, const json_t *list, struct partial *out);
void partial_answer(struct api_call *call, int status, const struct partial *p);

#endif
