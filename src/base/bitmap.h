#ifndef MUSTER_BASE_BITMAP_H
#define MUSTER_BASE_BITMAP_H

/* A set of 32-bit numbers, of libroaring, by its name alone: its own header takes the compiler longer than all that includes
 * this one. Who calls its functions includes <roaring/roaring.h>. */
typedef struct roaring_bitmap_s roaring_bitmap_t;

#endif
