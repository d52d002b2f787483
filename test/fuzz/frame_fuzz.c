/* Frames and P0, read by the definitions of test/datapoints. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/frame.h"
#include "plan_check.h"

enum { PLANS_MAX = 64 };

static struct datapoint_plan *plans[PLANS_MAX];
static size_t plan_count;

/* In the order of their names: the same input gives the same run everywhere. */
static void load_plans(void)
{
    struct dirent **files;
    char path[4096], why[300];
    int n = scandir(FUZZ_DATAPOINTS, &files, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", FUZZ_DATAPOINTS, files[i]->d_name);
        free(files[i]);
        json_t *definition = json_load_file(path, 0, NULL);
        if (!definition)
            continue; /* "." */
        CHECK(plan_count < PLANS_MAX);
        CHECK(datapoint_plan_compile(definition, &plans[plan_count], why, sizeof(why)) == MU_OK);
        plan_count++;
        json_decref(definition);
    }
    free(files);
    CHECK(plan_count);
}

static void check_again(const struct frame *f)
{
    struct buf bytes;
    struct frame again;

    buf_init(&bytes, SIZE_MAX);
    frame_write(&bytes, f->cmd, f->sn, f->p0, f->p0_len);
    CHECK(frame_parse(bytes.data, bytes.len, &again) == MU_OK);
    CHECK(again.cmd == f->cmd && again.has_sn == f->has_sn && again.sn == f->sn && again.p0_len == f->p0_len &&
          memcmp(again.p0, f->p0, f->p0_len) == 0);
    buf_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    struct frame f = { .p0 = input, .p0_len = len };

    if (!plan_count)
        load_plans();
    if (frame_parse(input, len, &f) == MU_OK) {
        CHECK(f.p0 > input && f.p0 + f.p0_len == input + len);
        check_again(&f);
    }
    for (size_t i = 0; i < plan_count; i++)
        plan_check(plans[i], f.p0, f.p0_len);
    return 0;
}
