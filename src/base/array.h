#ifndef MUSTER_BASE_ARRAY_H
#define MUSTER_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The one way in which an array on the heap grows. The owner keeps a pointer and how many elements it has
 * room for, both zero at first, and frees the pointer:
 *
 *     if (!ARRAY_RESERVE(list->at, list->cap, list->count + 1))
 *         return MU_E_NOMEM;
 *     list->at[list->count++] = element;
 *
 * at     a pointer to elements
 * cap    a uint32_t
 * wanted how many elements there must be room for. The array grows by half and a bit at least, so adding one
 *        element after the other is cheap.
 *
 * New elements are not cleared; ARRAY_RESERVE_ZERO clears them. false: out of memory, or more elements than cap can
 * count; the array is then as it was. Elements may move. Not thread-safe. */
#define ARRAY_RESERVE(at, cap, wanted)      ARRAY_GROW(at, cap, wanted, false)
#define ARRAY_RESERVE_ZERO(at, cap, wanted) ARRAY_GROW(at, cap, wanted, true)

#define ARRAY_GROW(at, cap, wanted, zero) \
    ((size_t)(wanted) <= (cap) || array_grow(&(at), &(cap), (wanted), sizeof(*(at)), (zero)))

/* array: the address of a pointer. */
MU_MUST_USE bool array_grow(void *array, uint32_t *cap, size_t wanted, size_t size, bool zero);

#endif
