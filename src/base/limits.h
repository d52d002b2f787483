#ifndef MUSTER_BASE_LIMITS_H
#define MUSTER_BASE_LIMITS_H

/* The caps of the program that an operator cannot set, each with its reason. The defaults of settings are in
 * serve/serve_settings.c. */

/* --- HTTP -------------------------------------------------------------------------------------*/
#define LIMIT_HTTP_HEAD    (16 * 1024)   /* request line and headers; contract: 431 beyond */
#define LIMIT_HTTP_BODY    (1024 * 1024) /* request body; contract: 413 beyond */
#define LIMIT_HTTP_HEADERS 100           /* header lines kept; real clients send under 20 */

/* An answer is built whole. 1,000 rows of the widest search are 600 KiB; the macs of a group of a million devices
 * 16 MiB. */
#define LIMIT_HTTP_ANSWER (32 * 1024 * 1024)
#define LIMIT_HTTP_ARENA  (8 * 1024 * 1024) /* what one request may take beside its body */

/* Per loop: unread answers and unfinished bodies of all slow peers. */
#define LIMIT_HTTP_HELD (256 * 1024 * 1024)

/* Bytes a second of its answer that a peer must take. The slowest links that people use bring five times as much. */
#define LIMIT_HTTP_TAKEN 1024
#define LIMIT_DEV_ANSWER 1024 /* a device reads one recv of this (device-access 1) */

/* --- MQTT -------------------------------------------------------------------------------------*/
/* The maximum of the setting: a packet is gathered whole and kept as one record, and two of them fill a batch. */
#define LIMIT_MQTT_PACKET (1024 * 1024)
#define LIMIT_MQTT_OUT    (256 * 1024) /* unsent bytes per session before it is cut off */

/* QoS 2 messages that a 5.0 client may leave unreleased; it is told so. An older one may use all ids: 128 KiB, filled
 * at its message rate. */
#define LIMIT_MQTT_QOS2       32
#define LIMIT_CONTROL_QUEUE   8    /* frames waiting per paced session (design) */
#define LIMIT_CONTROL_WAIT_MS 5000 /* then 5403 (design) */
#define LIMIT_QUOTA_WAIT_MS   5000 /* as long as a node answers without the database (nodes_is_late) */

/* PUBLISH of a control: a module reads no more at once, and drops what is longer. */
#define LIMIT_DEVICE_PACKET 1024
#define LIMIT_FRAME         978 /* the most that fits into such a packet: with QoS 0, before 5.0 */
#define LIMIT_TOPIC_CLIENT  23  /* <client> in app2dev/<did>/<client> (device-access 2) */

/* --- domain text ------------------------------------------------------------------------------*/
#define LIMIT_MAC          64
#define LIMIT_PASSCODE     32
#define LIMIT_NAME         128        /* product, enterprise, app, user, place names */
#define LIMIT_VERSION      64         /* a firmware version that a device reports */
#define LIMIT_POINTS       512        /* datapoints of a product; the largest seen has 130 */
#define LIMIT_BINARY_POINT 1024       /* bytes of one binary datapoint */
#define LIMIT_IMAGE        (8 * 1024) /* all points of a product; the largest seen has 792 */

/* The JSON of a definition: the largest seen has 66 KiB; 512 points with long enums have about 200 KiB. */
#define LIMIT_DEFINITION (1024 * 1024)

/* Rows of histories that are kept: 60 histories of 53 weeks over 300 cities, each of another group. */
#define LIMIT_PAST_ROWS (32 * 1024 * 1024)

/* Groups below each other (contract, endpoint 12): JSON readers refuse objects that are nested much deeper. */
#define LIMIT_GROUP_LEVELS 1000

/* Enterprises whose quotas outlive a start: 8 MiB of address space; a page takes memory once it is used. */
#define LIMIT_QUOTA_ACCOUNTS (1024 * 1024)
#define LIMIT_PAGE           1000 /* `limit` of a paged call (contract, pagination) */

/* --- the committer ----------------------------------------------------------------------------*/
#define LIMIT_INTAKE (16 * 1024 * 1024) /* uncommitted device input; loops stop reading */
#define LIMIT_BATCH  (2 * 1024 * 1024)  /* one synced batch: ~10 ms of disk at 200 MB/s */

/* A login waits for the node that holds the session. If that node is dead, the others know it after its lease (ten
 * seconds) and two looks at it, of a second each. */
#define LIMIT_CLAIM_WAIT_MS 15000

/* What a muster tail has not taken yet: 100,000 reports a second for a tenth of a second. */
#define LIMIT_WATCH_QUEUE (4 * 1024 * 1024)

/* --- the log ----------------------------------------------------------------------------------*/
#define LIMIT_LOG_WAITING (256 * 1024) /* lines that stderr's reader has not taken: some 1,500 */

#endif
