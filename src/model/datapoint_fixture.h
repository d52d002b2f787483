#ifndef MUSTER_MODEL_DATAPOINT_FIXTURE_H
#define MUSTER_MODEL_DATAPOINT_FIXTURE_H

/* What the tests of the codec share: definitions from files and from text. Behind cmocka.h. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/datapoint.h"

/* The project's own definitions, and those of the field, which not every machine has. */
#define OWN   "MUSTER_TEST_DATAPOINTS"
#define FIELD "MUSTER_SHARED_DATAPOINTS"

/* The definition, or NULL if its folder is absent. */
static inline json_t *load_definition(const char *folder_variable, const char *file)
{
    char path[4096];
    json_error_t error;
    const char *folder = getenv(folder_variable);

    snprintf(path, sizeof(path), "%s/%s", folder ? folder : "", file);
    json_t *definition = json_load_file(path, 0, &error);
    if (!definition && strcmp(folder_variable, OWN) == 0)
        fail_msg("%s: %s", path, error.text);
    return definition;
}

static inline struct datapoint_plan *compile_plan(const json_t *definition)
{
    struct datapoint_plan *plan = NULL;
    char why[300] = "";

    if (datapoint_plan_compile(definition, &plan, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return plan;
}

static inline struct datapoint_plan *load_plan(const char *folder_variable, const char *file)
{
    json_t *definition = load_definition(folder_variable, file);
    struct datapoint_plan *plan = definition ? compile_plan(definition) : NULL;

    json_decref(definition);
    return plan;
}

/* Parses JSON written with ' for ", as C texts want it. */
static inline json_t *parse_json(const char *text)
{
    char *copy = strdup(text);
    json_error_t error;

    for (char *at = copy; *at; at++) {
        if (*at == '\'')
            *at = '"';
    }
    json_t *json = json_loads(copy, 0, &error);
    if (!json)
        fail_msg("%s: %s", error.text, copy);
    free(copy);
    return json;
}

/* Calls what for each definition in a folder; false if there is no such folder. */
static inline bool each_definition(const char *folder_variable,
                                   void (*what)(const json_t *definition, const char *file))
{
    const char *folder = getenv(folder_variable);
    DIR *dir = folder ? opendir(folder) : NULL;
    struct dirent *entry;
    int count = 0;

    if (!dir)
        return false;
    while ((entry = readdir(dir))) {
        if (!strstr(entry->d_name, ".json"))
            continue;
        json_t *definition = load_definition(folder_variable, entry->d_name);
        assert_non_null(definition);
        what(definition, entry->d_name);
        json_decref(definition);
        count++;
    }
    closedir(dir);
    assert_true(count >= 8);
    return true;
}

static inline struct buf make_buf(void)
{
    struct buf b;
    buf_init(&b, 65536);
    return b;
}

static inline struct buf bytes_of_hex(const char *hex)
{
    struct buf b = make_buf();
    uint8_t *at = buf_reserve(&b, strlen(hex) / 2 + 1);
    assert_int_equal(hex_decode(hex, strlen(hex), at), MU_OK);
    b.len = strlen(hex) / 2;
    return b;
}

/* Compares what datapoint_write_attrs writes, its " shown as '. */
static inline void assert_attrs(const struct datapoint_plan *plan, const struct point_value *values,
                                const char *expected)
{
    struct buf text = make_buf();
    struct json_out j = json_out_to(&text);

    datapoint_write_attrs(plan, values, &j);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            text.data[i] = '\'';
    }
    buf_append_u8(&text, 0);
    assert_string_equal((const char *)text.data, expected);
    buf_free(&text);
}

/* Reports a P0 to a state. */
static inline void report_hex(const struct datapoint_plan *plan, const char *hex, uint8_t *known, enum mu_err expected)
{
    struct buf p0 = bytes_of_hex(hex);
    assert_int_equal(datapoint_state_report(plan, p0.data, p0.len, known), expected);
    buf_free(&p0);
}

#endif
