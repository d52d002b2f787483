#ifndef MUSTER_BASE_NUMBERS_H
#define MUSTER_BASE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lists of numbers (of devices, mostly) in ascending order. */

/* Sorts a list, and keeps each number once; returns how many are left. */
size_t numbers_sort(uint32_t *list, size_t count);
bool numbers_have(const uint32_t *list, size_t count, uint32_t number);

#endif
