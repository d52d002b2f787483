#ifndef MUSTER_BASE_LIMITS_H
#define MUSTER_BASE_LIMITS_H

/* Every cap of the program, with its reason. What an operator can set has its default in
 * serve/serve_settings.c; these are the ones he cannot. */

/* --- HTTP -------------------------------------------------------------------------------------*/
#define LIMIT_HTTP_HEAD    (16 * 1024)   /* request line and headers; contract: 431 beyond */
#define LIMIT_HTTP_BODY    (1024 * 1024) /* request body; contract: 413 beyond */
#define LIMIT_HTTP_HEADERS 100           /* header lines kept; real clients send under 20 */
#define LIMIT_HTTP_ANSWER \
    (32 * 1024 * 1024)                     /* 1,000 rows of the widest search are 600 KiB;
                                                 the macs of a group of a million devices 16 MiB; it is built whole */
#define LIMIT_HTTP_ARENA (8 * 1024 * 1024) /* what one request may take beside its body */
#define LIMIT_HTTP_HELD \
    (256 * 1024 * 1024) /* per loop: unread answers and unfinished bodies of all
                                                 peers that take their time */
#define LIMIT_HTTP_TAKEN \
    1024                      /* bytes a second of its answer that a peer takes at least; the
                                                 slowest links that people use bring five times as much */
#define LIMIT_DEV_ANSWER 1024 /* a device reads one recv of this (device-access 1) */

/* --- MQTT -------------------------------------------------------------------------------------*/
#define LIMIT_MQTT_PACKET \
    (1024 * 1024)                   /* whatever the setting says: it is gathered whole, kept as
                                                 one record, and two of them fill a batch */
#define LIMIT_MQTT_OUT (256 * 1024) /* unsent bytes per session before it is cut off */
#define LIMIT_MQTT_QOS2 \
    32                             /* QoS 2 messages a 5.0 client may leave unreleased: it is told.
                                                 An older one may use all ids: 128 KiB, at its rate */
#define LIMIT_CONTROL_QUEUE   8    /* frames waiting per paced session (design) */
#define LIMIT_CONTROL_WAIT_MS 5000 /* then 5403 (design) */
#define LIMIT_DEVICE_PACKET \
    1024                       /* PUBLISH of a control: a module reads no more at once, and
                                                 drops what is longer */
#define LIMIT_FRAME        978 /* what such a packet has room for at most: with QoS 0, before 5.0 */
#define LIMIT_TOPIC_CLIENT 23  /* <client> in app2dev/<did>/<client> (device-access 2) */

/* --- domain text ------------------------------------------------------------------------------*/
#define LIMIT_MAC          64
#define LIMIT_PASSCODE     32
#define LIMIT_NAME         128        /* product, enterprise, app, user, place names */
#define LIMIT_VERSION      64         /* a firmware version that a device tells */
#define LIMIT_POINTS       512        /* datapoints of a product; the largest seen has 130 */
#define LIMIT_BINARY_POINT 1024       /* bytes of one binary datapoint */
#define LIMIT_IMAGE        (8 * 1024) /* all points of a product; the largest seen has 792 */
#define LIMIT_DEFINITION \
    (1024 * 1024) /* its JSON; the largest seen has 66 KiB, 512 points with long
                                                 enums about 200 */
#define LIMIT_PAST_ROWS \
    (32 * 1024 * 1024) /* rows of histories that are kept: 60 histories of 53 weeks
                                                 over 300 cities, each of another group */
#define LIMIT_GROUP_LEVELS \
    1000 /* of groups below each other (contract, endpoint 12): JSON readers refuse
                                                 objects that are nested much deeper */
#define LIMIT_QUOTA_ACCOUNTS \
    (1024 * 1024)       /* enterprises whose quotas outlive a start: 8 MiB of address
                                                 space, of which the pages in use are real */
#define LIMIT_PAGE 1000 /* `limit` of a paged call (contract, pagination) */

/* --- the committer ----------------------------------------------------------------------------*/
#define LIMIT_INTAKE (16 * 1024 * 1024) /* uncommitted device input; loops stop reading */
#define LIMIT_BATCH  (2 * 1024 * 1024)  /* one synced batch: ~10 ms of disk at 200 MB/s */

#define LIMIT_WATCH_QUEUE \
    (4 * 1024 * 1024) /* what a muster tail has not taken yet: a tenth of a second of
                                                 100,000 reports a second, and its reader's pause */

/* --- the log ----------------------------------------------------------------------------------*/
#define LIMIT_LOG_WAITING (256 * 1024) /* lines that stderr's reader has not taken: some 1,500 */

#endif
