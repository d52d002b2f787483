#include "access/refusal_reason.h"

#include <assert.h>

static const struct {
    enum refusal_door door;
    const char *label, *text;
} reasons[] = {
#define X(name, door, label, text) { door, label, text },
    REFUSAL_TABLE(X)
#undef X
};

enum refusal_door refusal_door(enum refusal_reason reason)
{
    assert(reason < REFUSAL_COUNT);
    return reasons[reason].door;
}

const char *refusal_label(enum refusal_reason reason)
{
    assert(reason < REFUSAL_COUNT);
    return reasons[reason].label;
}

const char *refusal_text(enum refusal_reason reason)
{
    assert(reason < REFUSAL_COUNT);
    return reasons[reason].text;
}
