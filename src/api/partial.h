#ifndef MUSTER_API_PARTIAL_H
#define MUSTER_API_PARTIAL_H

#include "api/call.h"

/* Calls that do something to each of a list, and say of each whether it worked:
 * {"failed": […], "success": […]}, in the order of the list, and what it says twice once. */
struct partial {
    const char **items;
    bool *done; /* all false at first */
    size_t count;
};

/* 5002 unless the list is an array of texts, at most max of them (0 = any number). */
MU_MUST_USE enum api_error partial_check(struct api_call *call, const char *name, const json_t *list, size_t max);
/* Reads an array of texts, or one text with commas between the items, whose blanks do not count and
 * whose empty ones are left out. The items live as long as the list and the exchange. False if there
 * is no memory. */
bool partial_read(struct api_call *call, const json_t *list, struct partial *out);
void partial_answer(struct api_call *call, int status, const struct partial *p);

#endif
