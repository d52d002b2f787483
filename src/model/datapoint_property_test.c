#include "base/unit_test.h"

#include "model/datapoint_fixture.h"

#include "base/limits.h"

/* Random definitions and values against a model that is nothing but a list of values. What the bytes
 * look like is the matter of datapoint_test.c; here the point is that no combination of groups, widths
 * and offsets loses or mixes anything. */

#define SEED        20170628u
#define DEFINITIONS 600
#define ROUNDS      8
#define POINTS_MAX  70
#define BINARY_MAX  20

static uint64_t random_state;

static uint32_t rnd(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

/* --- a random definition ---------------------------------------------------------------------- */

static const char *const accesses[] = { "status_writable", "status_readonly", "alert", "fault" };
static const char *const types[] = { "bool", "enum", "uint8", "uint16", "uint32", "binary" };

struct made {
    json_t *attrs;
    size_t count;
    uint32_t start; /* byte of the image at which the group at work starts */
};

static json_t *random_spec(uint32_t bytes)
{
    static const double ratios[] = { 1, 0.1, 0.01, 0.001, 0.5, 0.25, 2, 10, 0.3, 1.7, 1.0 / 3 };
    static const double additions[] = { 0, -10, -40, 5, -2000, 0.5, -250.5, 1000000, 0.07 };
    uint32_t width_max = bytes == 4 ? UINT32_MAX : (1u << 8 * bytes) - 1;
    uint32_t min = rnd(3) ? 0 : rnd(width_max / 2), max = min + rnd(width_max - min);

    return json_pack("{s:I, s:I, s:f, s:f}", "min", (json_int_t)min, "max", (json_int_t)(rnd(3) ? width_max : max),
                     "ratio", ratios[rnd(11)], "addition", additions[rnd(9)]);
}

static json_t *random_enum(uint32_t width)
{
    uint32_t most = width < 6 ? 1u << width : 40, n = 1 + rnd(most);
    json_t *texts = json_array();

    for (uint32_t i = 0; i < n; i++) {
        char text[20];
        snprintf(text, sizeof(text), "值 %u", i);
        json_array_append_new(texts, json_string(text));
    }
    return texts;
}

static void shuffle(size_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; i > 1; i--) {
        size_t other = rnd((uint32_t)i), kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

/* Adds a group of n points; their places within it have nothing to do with their order. */
static void add_group(struct made *made, size_t access, size_t n, bool var_len)
{
    json_t *points[POINTS_MAX];
    uint32_t sizes[POINTS_MAX], bits = 0, shift = 0;
    bool is_bits[POINTS_MAX];
    size_t order[POINTS_MAX];

    for (size_t i = 0; i < n; i++) {
        size_t type = access >= 2 ? 0 : rnd(6);
        char name[20];
        snprintf(name, sizeof(name), "%c%zu", "wrafbcdxyz"[rnd(10)], made -> count + i);
        is_bits[i] = type < 2;
        sizes[i] = type == 0 ? 1 : type == 1 ? 1 + rnd(12) : type == 5 ? 1 + rnd(BINARY_MAX) : 1u << (type - 2);
        bits += is_bits[i] ? sizes[i] : 0;
        points[i] = json_pack("{s:i, s:s, s:s, s:s}", "id", (int)(made->count + i), "name", name, "type",
                              accesses[access], "data_type", types[type]);
        if (type == 1)
            json_object_set_new(points[i], "enum", random_enum(sizes[i]));
        else if (type > 1 && type < 5)
            json_object_set_new(points[i], "uint_spec", random_spec(sizes[i]));
    }
    uint32_t byte = made->start + (bits + 7) / 8;
    shuffle(order, n);
    for (size_t k = 0; k < n; k++) {
        size_t i = order[k];
        uint32_t byte_offset = is_bits[i] ? made->start : byte, bit_offset = is_bits[i] ? shift : 0;
        if (var_len)
            byte_offset = bit_offset = 0;
        json_object_set_new(points[i], "position",
                            json_pack("{s:s, s:i, s:i, s:i}", "unit", is_bits[i] ? "bit" : "byte", "len", (int)sizes[i],
                                      "byte_offset", (int)byte_offset, "bit_offset", (int)bit_offset));
        *(is_bits[i] ? &shift : &byte) += sizes[i];
    }
    for (size_t i = 0; i < n; i++)
        json_array_append_new(made->attrs, points[i]);
    made->count += n;
    made->start = byte;
}

static json_t *random_definition(bool var_len)
{
    struct made made = { .attrs = json_array() };

    if (var_len) { /* where accesses may be mixed */
        for (size_t n = 1 + rnd(POINTS_MAX); n > 0; n--)
            add_group(&made, rnd(4), 1, true);
    } else {
        for (size_t access = 0; access < 4; access++)
            add_group(&made, access, rnd(6) == 0 ? 0 : rnd(POINTS_MAX / 4), false);
        if (made.count == 0)
            add_group(&made, 0, 1, false);
    }
    return json_pack("{s:s, s:[{s:o}]}", "protocolType", var_len ? "var_len" : "standard", "entities", "attrs",
                     made.attrs);
}

/* --- random values ---------------------------------------------------------------------------- */

struct model {
    struct point_value values[POINTS_MAX];
    uint8_t bytes[POINTS_MAX][BINARY_MAX]; /* of the binary ones */
};

static void random_value(const struct datapoint *d, size_t id, struct model *m, bool in_bounds)
{
    struct point_value *v = &m->values[id];

    *v = (struct point_value){ .set = true };
    switch (d->type) {
    case POINT_BOOL: v->x = rnd(2); break;
    case POINT_ENUM: v->x = rnd(d->enum_count); break;
    case POINT_UINT8:
    case POINT_UINT16:
    case POINT_UINT32:
        v->x = rnd(4) ? rnd(UINT32_MAX) : UINT32_MAX;
        if (d->size < 4)
            v->x &= (1u << 8 * d->size) - 1;
        if (in_bounds && (v->x < d->min || v->x > d->max))
            v->x = rnd(2) ? d->min : d->max;
        break;
    case POINT_BINARY:
        for (uint32_t i = 0; i < d->size; i++)
            m->bytes[id][i] = (uint8_t)rnd(256);
        v->bytes = m->bytes[id];
        break;
    }
}

static void assert_same(const struct datapoint_plan *plan, const struct point_value *got,
                        const struct point_value *expected)
{
    for (size_t i = 0; i < datapoint_count(plan); i++) {
        const struct datapoint *d = datapoint_at(plan, i);
        assert_int_equal(got[i].set, expected[i].set);
        if (!got[i].set)
            continue;
        if (d->type == POINT_BINARY)
            assert_memory_equal(got[i].bytes, expected[i].bytes, d->size);
        else
            assert_int_equal(got[i].x, expected[i].x);
    }
}

/* --- the properties --------------------------------------------------------------------------- */

struct subject {
    const struct datapoint_plan *plan;
    uint8_t *known;
    struct model model; /* what known should say */
};

static void assert_state(const struct subject *s)
{
    struct point_value values[POINTS_MAX];
    bool faulty = false, alert = false;

    datapoint_state_values(s->plan, s->known, values);
    assert_same(s->plan, values, s->model.values);
    for (size_t i = 0; i < datapoint_count(s->plan); i++) {
        enum point_access access = datapoint_at(s->plan, i)->access;
        faulty |= access == POINT_FAULT && s->model.values[i].x;
        alert |= access == POINT_ALERT && s->model.values[i].x;
    }
    assert_int_equal(datapoint_state_faulty(s->plan, s->known), faulty);
    assert_int_equal(datapoint_state_alert(s->plan, s->known), alert);
}

/* The P0 in a piece of memory of exactly its size, so that a sanitizer sees a step outside. */
static uint8_t *exact_copy(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    return copy;
}

static void refuses_another_length(struct subject *s, const struct buf *p0)
{
    struct point_value values[POINTS_MAX];
    size_t len = rnd((uint32_t)p0->len + 3);

    if (len == p0->len)
        return;
    uint8_t *copy = calloc(1, p0->len + 3);
    memcpy(copy, p0->data, len < p0->len ? len : p0->len);
    uint8_t *cut = exact_copy(copy, len);
    assert_int_equal(datapoint_decode(s->plan, cut, len, values), MU_E_FRAME);
    assert_int_equal(datapoint_state_report(s->plan, cut, len, s->known), MU_E_FRAME);
    free(cut);
    free(copy);
}

static void a_report(struct subject *s)
{
    size_t count = datapoint_count(s->plan);
    bool var_len = datapoint_is_var_len(s->plan);
    struct model told = { 0 };
    struct point_value values[POINTS_MAX];
    struct buf p0;
    uint32_t one_of = var_len ? 1 + rnd(4) : 1;

    for (size_t i = 0; i < count; i++) {
        if (rnd(one_of) == 0)
            random_value(datapoint_at(s->plan, i), i, &told, false);
    }
    buf_init(&p0, LIMIT_IMAGE);
    datapoint_encode_status(s->plan, (uint8_t)((var_len ? 0x13 : 0x03) + rnd(2)), told.values, &p0);
    assert_int_equal(p0.err, MU_OK);
    uint8_t *copy = exact_copy(p0.data, p0.len);
    assert_int_equal(datapoint_decode(s->plan, copy, p0.len, values), MU_OK);
    assert_same(s->plan, values, told.values);

    refuses_another_length(s, &p0);
    assert_state(s);
    assert_int_equal(datapoint_state_report(s->plan, copy, p0.len, s->known), MU_OK);
    for (size_t i = 0; i < count; i++) {
        if (!told.values[i].set)
            continue;
        s->model.values[i] = told.values[i];
        memcpy(s->model.bytes[i], told.bytes[i], BINARY_MAX);
        if (told.values[i].bytes)
            s->model.values[i].bytes = s->model.bytes[i];
    }
    assert_state(s);
    free(copy);
    buf_free(&p0);
}

/* A value as some caller would write it. */
static json_t *as_json(const struct datapoint_plan *plan, size_t id, const struct point_value *v)
{
    const struct datapoint *d = datapoint_at(plan, id);
    char hex[2 * BINARY_MAX + 1];
    json_t *bytes;

    switch (d->type) {
    case POINT_BOOL: return rnd(2) ? json_boolean(v->x) : json_integer(v->x);
    case POINT_ENUM: return rnd(2) ? json_integer(v->x) : json_string(d->enum_texts[v->x]);
    case POINT_UINT8:
    case POINT_UINT16:
    case POINT_UINT32: return json_real(datapoint_shown(plan, id, v->x));
    case POINT_BINARY:
        if (rnd(2)) {
            hex_encode(v->bytes, d->size, hex);
            return json_string(hex);
        }
        bytes = json_array();
        for (uint32_t i = 0; i < d->size; i++)
            json_array_append_new(bytes, json_integer(v->bytes[i]));
        return bytes;
    }
    return NULL;
}

/* What a fixed-length control says of a writable point that it does not flag. */
static struct point_value filler(const struct subject *s, size_t id)
{
    static const uint8_t zeros[BINARY_MAX];

    if (s->model.values[id].set)
        return s->model.values[id];
    return (struct point_value){ .set = true, .x = datapoint_at(s->plan, id)->min, .bytes = zeros };
}

/* The image of a control, put in place of the writable points of a status, shows all of them. */
static void carries_all_writable_points(const struct subject *s, const struct buf *control, const struct model *asked)
{
    size_t writable = 0, count = datapoint_count(s->plan);
    struct point_value values[POINTS_MAX];
    struct buf status;

    while (writable < count && datapoint_at(s->plan, writable)->access == POINT_WRITABLE)
        writable++;
    size_t head = 1 + (writable + 7) / 8, image = control->len - head;
    buf_init(&status, LIMIT_IMAGE);
    datapoint_encode_status(s->plan, 0x04, asked->values, &status);
    assert_true(status.len >= 1 + image);
    memcpy(status.data + 1, control->data + head, image);
    assert_int_equal(datapoint_decode(s->plan, status.data, status.len, values), MU_OK);
    for (size_t i = 0; i < writable; i++) {
        const struct datapoint *d = datapoint_at(s->plan, i);
        struct point_value expected = asked->values[i].set ? asked->values[i] : filler(s, i);
        if (d->type == POINT_BINARY)
            assert_memory_equal(values[i].bytes, expected.bytes, d->size);
        else
            assert_int_equal(values[i].x, expected.x);
    }
    buf_free(&status);
}

static void a_control(const struct subject *s)
{
    json_t *attrs = json_object();
    struct model asked = { 0 };
    struct point_value values[POINTS_MAX];
    struct buf p0;
    char why[300];

    for (size_t i = 0; i < datapoint_count(s->plan); i++) {
        const struct datapoint *d = datapoint_at(s->plan, i);
        if (d->access != POINT_WRITABLE || rnd(3) == 0)
            continue;
        random_value(d, i, &asked, true);
        json_object_set_new(attrs, d->name, as_json(s->plan, i, &asked.values[i]));
    }
    buf_init(&p0, LIMIT_IMAGE);
    enum api_error error = datapoint_control(s->plan, &(struct datapoint_asked){ .attrs = attrs, .state = s->known },
                                             &p0, why, sizeof(why));
    if (json_object_size(attrs) == 0) {
        assert_int_equal(error, API_FORM_INVALID);
    } else {
        if (error != API_OK)
            fail_msg("%s", why);
        uint8_t *copy = exact_copy(p0.data, p0.len);
        assert_int_equal(datapoint_read_control(s->plan, copy, p0.len, values), MU_OK);
        assert_same(s->plan, values, asked.values);
        assert_int_equal(datapoint_read_control(s->plan, copy, p0.len - 1, values), MU_E_FRAME);
        free(copy);
        if (!datapoint_is_var_len(s->plan))
            carries_all_writable_points(s, &p0, &asked);
    }
    buf_free(&p0);
    json_decref(attrs);
}

/* Nothing that a peer sends may do harm; what is refused leaves the state as it was. */
static void garbage(struct subject *s)
{
    uint8_t bytes[300];
    struct point_value values[POINTS_MAX];
    size_t size = datapoint_state_size(s->plan), len = rnd(sizeof(bytes));

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(rnd(3) ? rnd(256) : 0);
    if (len) {
        static const uint8_t actions[] = { 0x01, 0x02, 0x03, 0x04, 0x11, 0x13, 0x14 };
        bytes[0] = actions[rnd(7)];
    }
    uint8_t *copy = exact_copy(bytes, len), *before = exact_copy(s->known, size);
    enum mu_err err = datapoint_decode(s->plan, copy, len, values);
    enum mu_err read = datapoint_read_control(s->plan, copy, len, values);
    assert_true(read == MU_OK || read == MU_E_FRAME || read == MU_E_VALUE);
    assert_int_equal(datapoint_state_report(s->plan, copy, len, s->known), err);
    if (err != MU_OK)
        assert_memory_equal(s->known, before, size);
    memcpy(s->known, before, size);
    free(before);
    free(copy);
}

static void nothing_is_lost_between_values_bytes_and_state(void **state)
{
    (void)state;
    random_state = SEED;
    print_message("seed %u\n", SEED);
    for (int i = 0; i < DEFINITIONS; i++) {
        json_t *definition = random_definition(i % 2);
        struct datapoint_plan *plan = compile_plan(definition);
        struct subject s = { .plan = plan, .known = calloc(1, datapoint_state_size(plan)) };

        assert_state(&s);
        for (int round = 0; round < ROUNDS; round++) {
            a_control(&s);
            a_report(&s);
            garbage(&s);
        }
        free(s.known);
        datapoint_plan_free(plan);
        json_decref(definition);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_between_values_bytes_and_state),
    };
    return cmocka_run_group_tests_name("datapoint_property", tests, NULL, NULL);
}
