/* The rules that no constraint of the schema can express. Each is a query; each row of its result is a mistake.
 *
 * Included by each driver inside a list of texts. Before that it defines
 *
 *   UNINDEXED   keeps the query from using an index of the table: the index may be the damaged part
 *   HEX(bytes)  an expression, in lower-case hexadecimal digits */

/* clang-format off */
"SELECT 'device: mac ' || mac || ' of product ' || product || ' has ' || count(*) || "
    "' enabled registrations' FROM device" UNINDEXED " WHERE is_disabled = 0 GROUP BY product, mac "
    "HAVING count(*) > 1",
    "SELECT 'device ' || min(no) || ': did ' || did || ' is that of another one, too' FROM device" UNINDEXED " "
    "GROUP BY did HAVING count(*) > 1",
    "SELECT 'device: the registrations of mac ' || mac || ' of product ' || product || ' are in several "
    "groups' FROM device" UNINDEXED " GROUP BY product, mac "
    "HAVING count(DISTINCT coalesce(device_group, 0)) > 1",
    "SELECT 'device ' || d.no || ': its group ' || g.no || ' is of product ' || g.product || ', it is of ' "
    "|| d.product FROM device d JOIN device_group g ON g.no = d.device_group WHERE g.product <> d.product",
    "SELECT 'device ' || no || ': type ' || type || ', is_disabled ' || is_disabled || ', is_barred ' || is_barred "
    "|| ' or place_source ' "
    "|| place_source || ' means nothing' FROM device WHERE type NOT BETWEEN 0 AND 3 OR "
    "is_disabled NOT IN (0, 1) OR is_barred NOT IN (0, is_disabled) OR place_source NOT BETWEEN 0 AND 2",

    "SELECT 'device_group ' || c.no || ': of product ' || c.product || ', its parent ' || p.no || ' of ' || "
    "p.product FROM device_group c JOIN device_group p ON p.no = c.parent WHERE p.product <> c.product",
    "WITH RECURSIVE tree (no) AS (SELECT no FROM device_group WHERE parent IS NULL UNION ALL "
    "SELECT c.no FROM tree JOIN device_group c ON c.parent = tree.no) "
    "SELECT 'device_group ' || no || ': no root is above it' FROM device_group "
    "WHERE no NOT IN (SELECT no FROM tree)",
    "SELECT 'device_group: product ' || product || ' has ' || count(*) || ' roots' FROM device_group "
    "WHERE parent IS NULL GROUP BY product HAVING count(*) > 1",

    "SELECT 'product ' || no || ': version ' || definition || ' of its definition is not there' "
    "FROM product p WHERE definition <> 0 AND NOT EXISTS "
    "(SELECT 1 FROM definition d WHERE d.product = p.no AND d.version = p.definition)",
    "SELECT 'app ' || ap.app || ': its products belong to several enterprises' FROM app_product ap "
    "JOIN association s ON s.product = ap.product GROUP BY ap.app HAVING count(DISTINCT s.enterprise) > 1",
    "SELECT 'token ' || " HEX(
        "substr(t.hash, 1, 4)") " || '…: product ' || t.product || "
                                "' is not associated with enterprise ' || t.enterprise FROM token t "
                                "LEFT JOIN association s ON s.product = t.product WHERE s.enterprise IS DISTINCT FROM t.enterprise",

    "SELECT 'binding ' || min(no) || ': user ' || \"user\" || ' and device ' || device || ' are bound ' || "
    "count(*) || ' times' FROM binding" UNINDEXED " WHERE until IS NULL GROUP BY \"user\", device "
    "HAVING count(*) > 1",
    "SELECT 'binding: device ' || device || ' has ' || sum(is_owner) || ' owners' FROM binding" UNINDEXED " "
    "WHERE until IS NULL GROUP BY device HAVING sum(is_owner) <> 1",
    "SELECT 'binding ' || no || ': ends before it begins' FROM binding WHERE until < since",
    "SELECT 'binding ' || b.no || ': says app ' || b.app || ', its user ' || u.no || ' is of app ' || u.app "
    "FROM binding b JOIN \"user\" u ON u.no = b.\"user\" WHERE u.app <> b.app",

    "WITH bound AS (" BOUND_NOW ") SELECT 'product_user ' || b.product || ', ' || b.\"user\" || "
    "': is missing, there are bindings' FROM bound b WHERE NOT EXISTS "
    "(SELECT 1 FROM product_user p WHERE p.product = b.product AND p.\"user\" = b.\"user\")",
    "WITH bound AS (" BOUND_NOW ") SELECT 'product_user ' || p.product || ', ' || p.\"user\" || ': says ' || "
    "p.devices || ' devices, bound are ' || coalesce(b.devices, 0) FROM product_user p LEFT JOIN bound b "
    "ON b.product = p.product AND b.\"user\" = p.\"user\" WHERE p.devices <> coalesce(b.devices, 0)",
    "WITH bound AS (" BOUND_NOW ") SELECT 'product_user ' || p.product || ', ' || p.\"user\" || "
    "': says first bound at ' || p.first_bound || ', the first binding is of ' || b.since "
    "FROM product_user p JOIN bound b ON b.product = p.product AND b.\"user\" = p.\"user\" "
    "WHERE p.first_bound > b.since",
    /* clang-format on */
