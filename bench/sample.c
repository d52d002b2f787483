#include "sample.h"

#include <stdio.h>
#include <string.h>

/* An invented fleet: each device follows from its number, so any of its facts can be recomputed. */

#define SEED UINT64_C(42)

/* What a number is drawn for, so that no two draws of a device depend on each other. */
enum draw {
    DRAW_PRODUCT,
    DRAW_CITY,
    DRAW_GROUP,
    DRAW_PLACE,
    DRAW_DISABLED,
    DRAW_IMPORTED,
    DRAW_CREATED,
    DRAW_ACTIVATED,
    DRAW_HABIT,
    DRAW_ONLINE,
    DRAW_FAULTY,
    DRAW_ALERT,
    DRAW_EVENTS,
    DRAW_PASSCODE,
    DRAW_DID,
    DRAW_TIME,
    DRAW_DAY = 100,
    DRAW_EVENT = 100000,
};

/* splitmix64 of seed, device and purpose. */
static uint64_t draw(uint32_t no, uint32_t what)
{
    uint64_t x = SEED + (((uint64_t)what << 32) | no) * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint32_t below(uint32_t no, uint32_t what, uint32_t n)
{
    return (uint32_t)(((draw(no, what) >> 32) * n) >> 32);
}

enum habit { DAILY, OFTEN, RARELY };
/* Of a thousand: on how many days it reports, and how likely it is online now. */
static const uint32_t reports[] = { 980, 500, 50 }, online[] = { 825, 240, 55 };

static enum habit habit_of(uint32_t no)
{
    uint32_t x = below(no, DRAW_HABIT, 100);
    return x < 40 ? DAILY : x < 75 ? OFTEN : RARELY;
}

static uint32_t product_of(uint32_t no)
{
    static const uint32_t upto[SAMPLE_PRODUCTS] = { 70, 82, 90, 96, 100 };
    uint32_t x = below(no, DRAW_PRODUCT, 100), product = 0;

    while (x >= upto[product])
        product++;
    return product + 1;
}

/* The second of two draws that is not above the first: a city has the more devices, the lower its number. */
static uint32_t city_of(uint32_t no)
{
    return below(no, DRAW_CITY, below(no, DRAW_PLACE, SAMPLE_CITIES) + 1);
}

enum { FIRST_TREE = 700, OTHER_TREE = 75 };

static uint32_t group_of(uint32_t no, uint32_t product)
{
    if (below(no, DRAW_GROUP, 100) >= 80)
        return 0;
    uint32_t x = (uint32_t)draw(no, DRAW_GROUP);
    return product == 1 ? 1 + x % FIRST_TREE : FIRST_TREE + (product - 2) * OTHER_TREE + 1 + x % OTHER_TREE;
}

static void place(uint32_t city, struct device_row *row)
{
    /* Ten cities to a region; 27 regions in one country, one in each of three others. */
    static const char *const abroad[] = { "Vietnam", "Thailand", "Germany" };
    uint32_t region = city / 10;

    strcpy(row->place.country, region < 27 ? "China" : abroad[region - 27]);
    snprintf(row->place.region, sizeof(row->place.region), "Region %u", region);
    snprintf(row->place.city, sizeof(row->place.city), "City %u", city);
    row->place_source = PLACE_LOCATED;
    row->has_coordinates = true;
    row->longitude = 73 + city * 0.2 + below(row->no, DRAW_PLACE, 1000) / 1e4;
    row->latitude = 18 + city * 0.1 + below(row->no, DRAW_CITY, 1000) / 1e4;
}

static void identify(uint32_t no, struct device_row *row)
{
    static const char digits[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    uint64_t x = draw(no, DRAW_DID);

    for (int i = 0; i < DID_LEN; i++, x /= 57) {
        if (i == 10)
            x = draw(no, DRAW_PASSCODE);
        row->did[i] = digits[x % 57];
    }
    snprintf(row->mac, sizeof(row->mac), "%012x", no * 7);
    snprintf(row->passcode, sizeof(row->passcode), "%010u", below(no, DRAW_PASSCODE, UINT32_MAX));
}

/* Numbers are given as devices come; one in fifty was imported with an earlier date. */
static int64_t created_at(const struct sample *s, uint32_t no)
{
    const int64_t span_s = 1000 * 86400;
    int64_t age_s = 3600 + (int64_t)(s->devices - no) * span_s / s->devices;

    return s->now_s - age_s - (below(no, DRAW_IMPORTED, 50) ? 0 : below(no, DRAW_CREATED, 300 * 86400));
}

void sample_device(const struct sample *s, uint32_t no, struct sample_device *d)
{
    uint32_t product = product_of(no);

    memset(d, 0, sizeof(*d));
    d->row.no = no;
    d->row.product = product;
    identify(no, &d->row);
    place(city_of(no), &d->row);
    d->row.group = group_of(no, product);
    d->row.is_disabled = below(no, DRAW_DISABLED, 100) < 3;
    d->row.created_at = created_at(s, no);
    d->version = no % 8;
    if (below(no, DRAW_ACTIVATED, 100) < 3)
        return;

    d->activated_at = d->row.created_at + below(no, DRAW_TIME, 3600);
    d->activated_day = calendar_day(s->calendar, d->activated_at);
    d->last_day = s->today;
    while (d->last_day > s->today - SAMPLE_DAYS && !sample_active(d, d->last_day))
        d->last_day--;
    d->last_report = calendar_day_start(s->calendar, d->last_day) + below(no, DRAW_TIME, 80000);
    if (d->last_report > s->now_s)
        d->last_report = s->now_s - 1;
    if (d->last_report < d->activated_at)
        d->last_report = d->activated_at;
    d->is_online = !d->row.is_disabled && below(no, DRAW_ONLINE, 1000) < online[habit_of(no)];
    d->is_faulty = below(no, DRAW_FAULTY, 1000) < 21;
    d->is_alert = below(no, DRAW_ALERT, 1000) < 11;
}

bool sample_active(const struct sample_device *d, int32_t day)
{
    uint32_t no = d->row.no;

    return d->activated_at && day >= d->activated_day &&
           (day == d->activated_day || below(no, DRAW_DAY + (uint32_t)day, 1000) < reports[habit_of(no)]);
}

bool sample_event(const struct sample *s, const struct sample_device *d, unsigned i, struct sample_event *out)
{
    unsigned open = d->is_faulty + d->is_alert;
    unsigned past = d->activated_at && below(d->row.no, DRAW_EVENTS, 100) < 10 ? 3 : 0;

    if (i >= open + past)
        return false;
    int64_t age_s = 60 + below(d->row.no, DRAW_EVENT + i, (i < open ? 30 : 390) * 86400);
    *out = (struct sample_event){ .opened_us = (s->now_s - age_s) * 1000000 + d->row.no,
                                  .alert = i < open ? !d->is_faulty || i == 1 : i % 2 };
    out->name = out->alert ? "alert_full" : "fault_roomtemp";
    if (i >= open)
        out->resolved_us = out->opened_us + (1 + age_s / 2) * 1000000;
    return true;
}

void sample_group(uint32_t no, struct group_row *out)
{
    enum { CHILDREN = 10 };
    uint32_t first = 1; /* of its product's tree */

    *out = (struct group_row){ .no = no, .product = 1 };
    if (no > FIRST_TREE) {
        uint32_t tree = (no - FIRST_TREE - 1) / OTHER_TREE;
        out->product = 2 + tree;
        first = FIRST_TREE + 1 + tree * OTHER_TREE;
    }
    if (no > first)
        out->parent = first + (no - first - 1) / CHILDREN;
    snprintf(out->gid, sizeof(out->gid), "%032x", no);
}

uint32_t sample_users(const struct sample *s)
{
    return s->devices / 5;
}

void sample_user(const struct sample *s, uint32_t no, struct user_row *out)
{
    struct sample_device d;

    sample_device(s, no * 5, &d);
    *out = (struct user_row){
        .app = 1, .created_at = d.row.created_at, .updated_at = d.row.created_at, .place = d.row.place
    };
    snprintf(out->uid, sizeof(out->uid), "%032x", no);
    snprintf(out->username, sizeof(out->username), "user%u", no);
}
