#ifndef MUSTER_BASE_NEAREST_H
#define MUSTER_BASE_NEAREST_H

/* The word that was probably meant: `struct nearest n = nearest_to(typed);`, then nearest_try() of each word that
 * there is. n.best is the one with the fewest slips (a letter added, left out or replaced, or two neighbours exchanged);
 * NULL if none is near. The caller owns the words. Pure; any thread. */

#define NEAREST_WORD_MAX 40 /* longer words are near to nothing; a row of the table is as long */

struct nearest {
    const char *typed, *best;
    unsigned slips; /* of best; before there is one, the first number that is too many */
};

struct nearest nearest_to(const char *typed);
void nearest_try(struct nearest *n, const char *word);

#endif
