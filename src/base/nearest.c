#include "base/nearest.h"

#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The Damerau-Levenshtein distance, in the form that edits no part twice. Both words have at most NEAREST_WORD_MAX
 * characters. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][NEAREST_WORD_MAX + 1]; /* of the prefixes of a that end at i - 2, i - 1 and i */
    size_t a_len = strlen(a), b_len = strlen(b);

    for (unsigned j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

struct nearest nearest_to(const char *typed)
{
    /* With two slips a word of four letters becomes almost any other one. */
    return (struct nearest){ .typed = typed, .slips = strlen(typed) < 5 ? 2 : 3 };
}

void nearest_try(struct nearest *n, const char *word)
{
    if (strlen(n->typed) > NEAREST_WORD_MAX || strlen(word) > NEAREST_WORD_MAX)
        return;
    unsigned slips = distance(n->typed, word);
    if (slips < n->slips) {
        n->best = word;
        n->slips = slips;
    }
}
