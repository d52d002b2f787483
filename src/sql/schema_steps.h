/* The tables of the registry, as steps from each version of the schema to the next. A step that was released is never
 * changed; a later change is a new step.
 *
 * Included by each driver inside a list of texts. Before that it defines the words in which the two differ:
 *
 *   NUMBER      the type of a row's number, which is given by the database and never given twice
 *   INT, REAL, TEXT, BLOB   types
 *   USER        the name "user", which is a word of SQL's own
 *   WRITERS     a table that only PostgreSQL needs, or ""
 *   TABLE_END   what ends a table; KEYED_END: one whose rows are found by the primary key only */

/* clang-format off */
    "CREATE TABLE enterprise ("
    "  no " NUMBER ","
    "  enterprise_id " TEXT " NOT NULL UNIQUE,"
    "  secret_salt " BLOB " NOT NULL,"
    "  secret_hash " BLOB " NOT NULL,"
    "  name " TEXT " NOT NULL,"
    "  hourly_quota " INT " NOT NULL,"
    "  secret_required " INT " NOT NULL,"
    "  ip_allow " BLOB " NOT NULL" /* for each network 16 bytes of address and one of prefix length */
    TABLE_END

    "CREATE TABLE product ("
    "  no " NUMBER ","
    "  product_key " TEXT " NOT NULL UNIQUE,"
    "  product_secret " TEXT " NOT NULL,"
    "  name " TEXT " NOT NULL,"
    "  remote_control " INT " NOT NULL,"
    "  registration " INT " NOT NULL,"
    "  pacing " INT " NOT NULL,"
    "  definition " INT " NOT NULL DEFAULT 0" /* the version in force; 0 = none */
    TABLE_END

    "CREATE TABLE definition ("
    "  product " INT " NOT NULL REFERENCES product,"
    "  version " INT " NOT NULL,"
    "  json " TEXT " NOT NULL,"
    "  PRIMARY KEY (product, version)"
    TABLE_END

    "CREATE TABLE association ("
    "  product " INT " PRIMARY KEY REFERENCES product,"
    "  enterprise " INT " NOT NULL REFERENCES enterprise"
    TABLE_END
    "CREATE INDEX association_enterprise ON association (enterprise);"

    "CREATE TABLE app ("
    "  no " NUMBER ","
    "  appid " TEXT " NOT NULL UNIQUE,"
    "  name " TEXT " NOT NULL"
    TABLE_END

    "CREATE TABLE app_product ("
    "  app " INT " NOT NULL REFERENCES app,"
    "  product " INT " NOT NULL REFERENCES product,"
    "  PRIMARY KEY (app, product)"
    KEYED_END
    "CREATE INDEX app_product_product ON app_product (product);"

    "CREATE TABLE " USER " ("
    "  no " NUMBER ","
    "  app " INT " NOT NULL REFERENCES app,"
    "  uid " TEXT " NOT NULL UNIQUE,"
    "  username " TEXT " NOT NULL,"
    "  phone " TEXT " NOT NULL,"
    "  email " TEXT " NOT NULL,"
    "  name " TEXT " NOT NULL,"
    "  gender " TEXT " NOT NULL,"
    "  birthday " TEXT " NOT NULL,"
    "  address " TEXT " NOT NULL,"
    "  remark " TEXT " NOT NULL,"
    "  auth_src " TEXT " NOT NULL,"
    "  is_anonymous " INT " NOT NULL,"
    "  created_at " INT " NOT NULL,"
    "  updated_at " INT " NOT NULL,"
    "  country " TEXT " NOT NULL,"
    "  region " TEXT " NOT NULL,"
    "  city " TEXT " NOT NULL"
    TABLE_END
    "CREATE INDEX user_app ON " USER " (app);"

    "CREATE TABLE device_group ("
    "  no " NUMBER ","
    "  product " INT " NOT NULL REFERENCES product,"
    "  parent " INT " REFERENCES device_group,"
    "  gid " TEXT " NOT NULL UNIQUE"
    TABLE_END
    "CREATE INDEX device_group_parent ON device_group (parent);"

    "CREATE TABLE device ("
    "  no " NUMBER ","
    "  product " INT " NOT NULL REFERENCES product,"
    "  did " TEXT " NOT NULL UNIQUE,"
    "  mac " TEXT " NOT NULL,"
    "  passcode " TEXT " NOT NULL,"
    "  device_sn " TEXT " NOT NULL,"
    "  type " INT " NOT NULL,"
    "  is_disabled " INT " NOT NULL,"
    "  created_at " INT " NOT NULL,"
    "  country " TEXT " NOT NULL,"
    "  region " TEXT " NOT NULL,"
    "  city " TEXT " NOT NULL,"
    "  place_source " INT " NOT NULL,"
    "  longitude " REAL ","
    "  latitude " REAL ","
    "  device_group " INT " REFERENCES device_group"
    TABLE_END
    "CREATE UNIQUE INDEX device_mac ON device (product, mac, passcode);"
    /* At most one registration of a mac is enabled. */
    "CREATE UNIQUE INDEX device_enabled ON device (product, mac) WHERE is_disabled = 0;"
    "CREATE INDEX device_in_group ON device (device_group) WHERE device_group IS NOT NULL;"

    /* Bindings are intervals: reports ask who was bound on a past day. */
    "CREATE TABLE binding ("
    "  no " NUMBER ","
    "  device " INT " NOT NULL REFERENCES device,"
    "  " USER " " INT " NOT NULL REFERENCES " USER ","
    "  app " INT " NOT NULL REFERENCES app,"
    "  is_owner " INT " NOT NULL,"
    "  since " INT " NOT NULL,"
    "  until " INT "" /* NULL: bound now */
    TABLE_END
    "CREATE UNIQUE INDEX binding_now ON binding (" USER ", device) WHERE until IS NULL;"
    "CREATE INDEX binding_user ON binding (" USER ");"
    "CREATE INDEX binding_device ON binding (device);"

    "CREATE TABLE token ("
    "  hash " BLOB " PRIMARY KEY,"
    "  enterprise " INT " NOT NULL REFERENCES enterprise,"
    "  product " INT " NOT NULL REFERENCES product,"
    "  expires_at " INT " NOT NULL"
    KEYED_END
    "CREATE INDEX token_product ON token (product);"
    "CREATE INDEX token_expiry ON token (expires_at);"

    "CREATE TABLE fact (name " TEXT " PRIMARY KEY, value " TEXT " NOT NULL" KEYED_END

    "CREATE TABLE change ("
    "  seq " NUMBER ","
    "  kind " INT " NOT NULL," /* enum feed_kind says what no and other mean */
    "  no " INT " NOT NULL,"
    "  other " INT " NOT NULL,"
    "  hash " BLOB
    TABLE_END WRITERS,

    /* What is kept of bindings: when a user was first bound to a device of a product, and to how many of its devices he
     * is bound now. With it the users of a product are counted without reading its bindings. */
    "CREATE TABLE product_user ("
    "  product " INT " NOT NULL REFERENCES product,"
    "  " USER " " INT " NOT NULL REFERENCES " USER ","
    "  first_bound " INT " NOT NULL,"
    "  devices " INT " NOT NULL,"
    "  PRIMARY KEY (product, " USER ")"
    KEYED_END
    "CREATE INDEX product_user_bound ON product_user (product, " USER ") WHERE devices > 0;"
    "INSERT INTO product_user SELECT d.product, b.user, min(b.since), sum(CASE WHEN b.until IS NULL THEN 1 ELSE 0 END) "
    "FROM binding b JOIN device d ON d.no = b.device GROUP BY d.product, b.user;"

    /* For searches of users and devices. Most rows have none of these fields. */
    "CREATE INDEX user_username ON " USER " (username) WHERE username <> '';"
    "CREATE INDEX user_phone ON " USER " (phone) WHERE phone <> '';"
    "CREATE INDEX user_email ON " USER " (email) WHERE email <> '';"
    "CREATE INDEX device_sn ON device (product, device_sn) WHERE device_sn <> '';",

    /* Very few users are disabled, so leaving them out costs little. */
    "ALTER TABLE " USER " ADD COLUMN is_disabled " INT " NOT NULL DEFAULT 0;"
    "CREATE INDEX user_disabled ON " USER " (no) WHERE is_disabled = 1;"
    "CREATE INDEX product_user_user ON product_user (" USER ");" /* for the deletion of a user */

    /* Who changed something: a row for each transaction. For an enterprise's call it has the request's number, for an
     * operator's command his user id and name. */
    "CREATE TABLE audit ("
    "  no " NUMBER ","
    "  at " INT " NOT NULL," /* microseconds */
    "  enterprise_id " TEXT " NOT NULL,"
    "  request " INT " NOT NULL,"
    "  uid " INT " NOT NULL,"
    "  " USER " " TEXT " NOT NULL,"
    "  command " TEXT " NOT NULL"
    TABLE_END
    "CREATE INDEX audit_at ON audit (at);"
    "CREATE TABLE audit_change ("
    "  audit " INT " NOT NULL REFERENCES audit,"
    "  change " INT " NOT NULL,"
    "  action " TEXT " NOT NULL,"
    "  kind " TEXT " NOT NULL,"
    "  id " TEXT " NOT NULL,"
    "  what " TEXT " NOT NULL,"
    "  PRIMARY KEY (audit, change)"
    KEYED_END,

    "ALTER TABLE device ADD COLUMN is_barred " INT " NOT NULL DEFAULT 0;",

    /* Version 5 added an index that proved useless. */
    "",
    "DROP INDEX IF EXISTS user_place;",

    "ALTER TABLE product ADD COLUMN control " INT " NOT NULL DEFAULT 0;",

    /* An apply without ids searches by name before it makes something new. */
    "CREATE INDEX enterprise_name ON enterprise (name);"
    "CREATE INDEX product_name ON product (name);"
    "CREATE INDEX app_name ON app (name);",
    /* clang-format on */
