#ifndef MUSTER_MODEL_API_ERROR_H
#define MUSTER_MODEL_API_ERROR_H

/* The error table of the enterprise API: one row, one constant, one message, one status. The rows
 * are the document's own ("错误信息表"), spelled as it spells them; those that no call can produce
 * yet stay, so that a number is never given away twice (contract, "Errors"). */

/*        constant                   status code  message */
#define API_ERROR_TABLE(X)                                                                          \
    X(API_BODY_INVALID, 400, 5001, "body json invalid")                                             \
    X(API_FORM_INVALID, 400, 5002, "form invalid")                                                  \
    X(API_ENTERPRISE_UNKNOWN, 404, 5003, "enterprise id not exist")                                 \
    X(API_ENTERPRISE_SECRET, 400, 5004, "enterprise secret error")                                  \
    X(API_PRODUCT_SECRET, 400, 5005, "product secret error")                                        \
    X(API_PRODUCT_HAS_GROUPS, 400, 5006, "product exist devicegroups")                              \
    X(API_ASSOCIATION_UNKNOWN, 404, 5007, "association not exist")                                  \
    X(API_ASSOCIATION_EXISTS, 400, 5008, "association existed")                                     \
    X(API_TOKEN_INVALID, 400, 5009, "token invalid")                                                \
    X(API_TOKEN_OTHER_PRODUCT, 400, 5010, "token not match product_key")                            \
    X(API_TOKEN_EXPIRED, 400, 5011, "token has expired")                                            \
    X(API_IP_NOT_ALLOWED, 400, 5012, "ip not in white list")                                        \
    X(API_QUOTA_EXCEEDED, 403, 5013, "API call rate limit execeed quota")                           \
    X(API_REPORT_NOT_GENERATED, 400, 5014, "Report has not been generated!")                        \
    X(API_PRODUCT_UNKNOWN, 404, 5015, "Product key not exist!")                                     \
    X(API_APP_UNKNOWN, 404, 5016, "Appid not exist!")                                               \
    X(API_USER_UNKNOWN, 404, 5017, "Uid not exist!")                                                \
    X(API_PRODUCT_OPERATION, 403, 5018, "product operation not allowed")                            \
    X(API_ORGANIZATION_UNKNOWN, 404, 5019, "organization does not exist")                           \
    X(API_PRODUCT_PUBLISHED, 400, 5020, "can not delete published product!")                        \
    X(API_ENTERPRISE_EXISTS, 400, 5021, "enterprise is exist")                                      \
    X(API_ENTERPRISE_MISSING, 404, 5022, "enterprise does not exist")                               \
    X(API_ENTERPRISE_CREATING, 403, 5023, "enterprise is creating")                                 \
    X(API_DENIED, 403, 5024, "api deny to visit!")                                                  \
    X(API_PRODUCT_MISSING, 404, 5025, "product does not exist")                                     \
    X(API_GROUP_OTHER_PRODUCT, 403, 5201, "device group not belong to this product")                \
    X(API_GROUP_PARENT_UNKNOWN, 404, 5202, "parent group not exist")                                \
    X(API_GROUP_ROOT_EXISTS, 400, 5203, "already has one root group")                               \
    X(API_GROUP_HAS_SUBGROUP, 400, 5204, "group has subgroup")                                      \
    X(API_GROUP_HAS_DEVICE, 400, 5205, "group has device item")                                     \
    X(API_GROUP_UNKNOWN, 404, 5206, "group not exist")                                              \
    X(API_NOT_PREASSIGNED, 400, 5207, "product key not in pre assignment!")                         \
    X(API_ASSIGN_IN_PROGRESS, 400, 5208, "create assign device in progress!")                       \
    X(API_DEVICE_UNKNOWN, 404, 5301, "device not exist")                                            \
    X(API_DEVICE_OTHER_PRODUCT, 403, 5302, "device not belong to this product")                     \
    X(API_DEVICE_NOT_BOUND, 400, 5303, "device not bound")                                          \
    X(API_DEVICE_DISABLED, 400, 5304, "device is disabled")                                         \
    X(API_DEVICE_OFFLINE, 400, 5305, "device offline!")                                             \
    X(API_ATTR_INVALID, 400, 5401, "attr invalid!")                                                 \
    X(API_DATAPOINT_UNDEFINED, 404, 5402, "datapoint data not found!")                              \
    X(API_SEND_FAILED, 400, 5403, "send command failed!")                                           \
    X(API_CONTROL_NOT_ALLOWED, 403, 5404, "remote control not allowed!")                            \
    X(API_ATTR_UNKNOWN, 404, 5405, "attrs not exist!")                                              \
    X(API_DATAPOINT_MALFORMED, 500, 5406, "Datapoints malformed")                                   \
    X(API_META_FAILED, 500, 5407, "generate meta failed")                                           \
    X(API_RAW_INVALID, 400, 5408, "raw data error!")                                                \
    X(API_INNER_FAILED, 500, 5409, "call innerapi failed!")                                         \
    X(API_FIRMWARE_UNKNOWN, 404, 5501, "firmware does not exist")                                   \
    X(API_FIRMWARE_EXISTS, 400, 5502, "firmware version has created")                               \
    X(API_FIRMWARE_OPERATION, 403, 5503, "firmware operation not allowed")                          \
    X(API_JOURNAL_FAILED, 500, 5601, "kairosdb query error!")                                       \
    X(API_PASSWORD_ENTERPRISE, 403, 5701, "This eid has no permission to reset pwd.")               \
    X(API_PASSWORD_APP, 403, 5702, "This eid has no permission to reset pwd for this appid.")       \
    X(API_PASSWORD_ANONYMOUS, 400, 5703, "Cannot reset pwd for anonymous user")                     \
    X(API_PRODUCT_NOT_ASSOCIATED, 400, 5801, "the pks has not associate with enterprise!")          \
    X(API_SERVICE_KEY, 400, 5901, "x-service secret key invalid!")                                  \
    /* Failures without a row in the document use the status as code (contract, "other errors"). */ \
    X(API_BAD_REQUEST, 400, 400, "bad request")                                                     \
    X(API_NOT_FOUND, 404, 404, "not found")                                                         \
    X(API_METHOD_NOT_ALLOWED, 405, 405, "method not allowed")                                       \
    X(API_REQUEST_TIMEOUT, 408, 408, "request timeout")                                             \
    X(API_BODY_TOO_LARGE, 413, 413, "request body too large")                                       \
    X(API_EXPECTATION_FAILED, 417, 417, "expectation failed")                                       \
    X(API_HEAD_TOO_LARGE, 431, 431, "request header fields too large")                              \
    X(API_INTERNAL, 500, 500, "internal server error")                                              \
    X(API_UNAVAILABLE, 503, 503, "service unavailable")

enum api_error {
    API_OK = 0,
#define X(name, status, code, message) name,
    API_ERROR_TABLE(X)
#undef X
        API_ERROR_COUNT
};

struct api_error_row {
    int status;
    int code;
    const char *message;
};

/* The row of an error other than API_OK; static. */
const struct api_error_row *api_error_row(enum api_error error);

#endif
