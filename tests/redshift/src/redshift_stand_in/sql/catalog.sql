-- Redshift's system views. Schemas of the stand-in itself (rs*) are not in them.
CREATE VIEW rs.columns AS
SELECT current_database()::varchar AS table_catalog, n.nspname::varchar AS table_schema, c.relname::varchar AS table_name,
  a.attname::varchar AS column_name, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum)::int AS ordinal_position,
  pg_get_expr(d.adbin, d.adrelid)::varchar AS column_default,
  CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END::varchar AS is_nullable,
  CASE WHEN t.typname = 'jsonb' THEN 'super' WHEN t.typname IN ('text', 'name', 'varchar', 'unknown') THEN 'character varying'
    WHEN t.typname = 'bytea' THEN 'binary varying' ELSE format_type(a.atttypid, NULL) END::varchar AS data_type,
  CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 0 THEN a.atttypmod - 4
    WHEN t.typname IN ('text', 'varchar', 'bpchar', 'unknown') THEN 65535 WHEN t.typname = 'name' THEN 128 END AS character_maximum_length,
  CASE t.typname WHEN 'int2' THEN 16 WHEN 'int4' THEN 32 WHEN 'int8' THEN 64 WHEN 'float4' THEN 24 WHEN 'float8' THEN 53
    WHEN 'numeric' THEN CASE WHEN a.atttypmod < 0 THEN 38 ELSE ((a.atttypmod - 4) >> 16) & 65535 END END AS numeric_precision,
  CASE WHEN t.typname IN ('int2', 'int4', 'int8', 'float4', 'float8') THEN 2 WHEN t.typname = 'numeric' THEN 10 END AS numeric_precision_radix,
  CASE WHEN t.typname IN ('int2', 'int4', 'int8') THEN 0
    WHEN t.typname = 'numeric' THEN CASE WHEN a.atttypmod < 0 THEN 16 ELSE (a.atttypmod - 4) & 65535 END END AS numeric_scale,
  CASE WHEN t.typname IN ('timestamp', 'timestamptz', 'time', 'timetz') THEN 6 END AS datetime_precision,
  NULL::varchar AS interval_type, NULL::varchar AS interval_precision, NULL::varchar AS character_set_catalog,
  NULL::varchar AS character_set_schema, NULL::varchar AS character_set_name, NULL::varchar AS collation_catalog,
  NULL::varchar AS collation_schema, NULL::varchar AS collation_name, NULL::varchar AS domain_name,
  col_description(c.oid, a.attnum)::varchar AS remarks, c.oid AS relid, c.relkind, a.atttypid, a.atttypmod, a.attnum
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'p') AND n.nspname !~ '^(rs$|rs_|pg_toast|pg_temp)'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'));

CREATE VIEW pg_catalog.svv_columns AS
SELECT table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
  character_maximum_length, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision, interval_type,
  interval_precision, character_set_catalog, character_set_schema, character_set_name, collation_catalog, collation_schema,
  collation_name, domain_name, remarks FROM rs.columns;
CREATE VIEW pg_catalog.svv_redshift_columns AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position, data_type,
  column_default, is_nullable, 'none'::varchar AS encoding, false AS distkey, 0 AS sortkey, ''::varchar AS column_acl, remarks FROM rs.columns;
CREATE VIEW pg_catalog.svv_all_columns AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position, column_default,
  is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, remarks FROM rs.columns;

CREATE VIEW pg_catalog.svv_tables AS
SELECT current_database()::varchar AS table_catalog, n.nspname::varchar AS table_schema, c.relname::varchar AS table_name,
  CASE WHEN c.relkind = 'r' THEN 'BASE TABLE' ELSE 'VIEW' END::varchar AS table_type, obj_description(c.oid, 'pg_class')::varchar AS remarks
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm') AND n.nspname !~ '^(rs$|rs_|pg_toast|pg_temp)';
CREATE VIEW pg_catalog.svv_redshift_tables AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name,
  CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END::varchar AS table_type, NULL::varchar AS table_acl, remarks FROM pg_catalog.svv_tables;
CREATE VIEW pg_catalog.svv_all_tables AS
SELECT database_name, schema_name, table_name, NULL::varchar AS table_acl, table_type, remarks FROM pg_catalog.svv_redshift_tables;
CREATE VIEW pg_catalog.svv_mv_info AS
SELECT current_database()::char(128) AS database_name, n.nspname::char(128) AS schema_name, pg_get_userbyid(c.relowner)::char(128) AS user_name,
  c.relname::char(128) AS name, 'f'::char(1) AS is_stale, 0 AS state, 'f'::char(1) AS autorewrite, 'f'::char(1) AS autorefresh
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm';

CREATE VIEW pg_catalog.svv_redshift_schemas AS
SELECT current_database()::varchar AS database_name, nspname::varchar AS schema_name, nspowner::int AS schema_owner,
  'local'::varchar AS schema_type, nspacl::varchar AS schema_acl, NULL::varchar AS schema_option
FROM pg_namespace WHERE nspname !~ '^(rs$|rs_|pg_toast|pg_temp)' AND has_schema_privilege(oid, 'USAGE');
CREATE VIEW pg_catalog.svv_all_schemas AS
SELECT database_name, schema_name, schema_owner, schema_type, schema_acl, NULL::varchar AS source_database, schema_option
FROM pg_catalog.svv_redshift_schemas;
CREATE VIEW pg_catalog.svv_external_schemas AS
SELECT n.oid::int AS esoid, 1::smallint AS eskind, x.nsp::varchar AS schemaname, n.nspowner::int AS esowner, x.catalog::varchar AS databasename,
  format('{"IAM_ROLE":"%s"}', x.role)::varchar AS esoptions FROM rs.external x JOIN pg_namespace n ON n.nspname = x.nsp;
-- Of late-binding views it does not know the columns: pg_get_late_binding_view_cols does. Nor what lies in the lake.
CREATE VIEW rs.columns_known AS
SELECT c.* FROM information_schema.columns c
WHERE NOT EXISTS (SELECT 1 FROM rs.late l WHERE l.nsp = c.table_schema AND l.rel = c.table_name)
  AND NOT EXISTS (SELECT 1 FROM rs.external x WHERE x.nsp = c.table_schema);
CREATE VIEW rs.tables_known AS
SELECT t.* FROM information_schema.tables t WHERE NOT EXISTS (SELECT 1 FROM rs.external x WHERE x.nsp = t.table_schema);
CREATE VIEW pg_catalog.svv_external_tables AS SELECT ''::varchar AS schemaname, ''::varchar AS tablename, ''::varchar AS location WHERE false;
CREATE VIEW pg_catalog.svv_external_columns AS
SELECT ''::varchar AS schemaname, ''::varchar AS tablename, ''::varchar AS columnname, ''::varchar AS external_type, 0 AS columnnum, 0 AS part_key WHERE false;
CREATE VIEW pg_catalog.svv_redshift_databases AS
SELECT datname::varchar AS database_name, datdba::int AS database_owner, 'local'::varchar AS database_type, ''::varchar AS database_acl,
  ''::varchar AS database_options, 'Snapshot Isolation'::varchar AS database_isolation_level
FROM pg_database WHERE NOT datistemplate AND datname NOT IN ('postgres', 'operational');

CREATE VIEW pg_catalog.svv_table_info AS
SELECT current_database()::varchar AS database, n.nspname::varchar AS schema, c.oid AS table_id, c.relname::varchar AS "table", 'Y'::varchar AS encoded,
  CASE coalesce(d.diststyle, CASE WHEN d.distkey IS NULL THEN 'AUTO' ELSE 'KEY' END)
    WHEN 'AUTO' THEN 'AUTO(ALL)' WHEN 'KEY' THEN 'KEY(' || d.distkey || ')' ELSE d.diststyle END::varchar AS diststyle,
  CASE WHEN d.sortkey IS NULL OR d.sortkey[1] = 'auto' THEN 'AUTO(SORTKEY)' ELSE d.sortkey[1] END::varchar AS sortkey1,
  coalesce((SELECT max(a.atttypmod - 4) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.atttypid = 'varchar'::regtype), 0) AS max_varchar,
  CASE WHEN d.sortkey IS NULL THEN 0 ELSE cardinality(d.sortkey) END AS sortkey_num, (pg_total_relation_size(c.oid) / 1048576)::bigint AS size,
  0::numeric(10, 4) AS pct_used, 0 AS empty, 0::numeric(5, 2) AS unsorted, 0::numeric(5, 2) AS stats_off,
  greatest(c.reltuples, 0)::numeric(38, 0) AS tbl_rows, 1::numeric(19, 2) AS skew_sortkey1, 1::numeric(19, 2) AS skew_rows
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN rs.declared d ON d.relid = c.oid
WHERE c.relkind = 'r' AND n.nspname !~ '^(rs$|rs_|pg_|information_schema)';
CREATE VIEW pg_catalog.pg_table_def AS
SELECT c.table_schema::name AS schemaname, c.table_name::name AS tablename, c.column_name::name AS "column",
  replace(format_type(c.atttypid, c.atttypmod), 'jsonb', 'super') AS type, 'none'::varchar AS encoding,
  coalesce(d.distkey = c.column_name, false) AS distkey, coalesce(array_position(d.sortkey, c.column_name::text), 0) AS sortkey,
  c.is_nullable = 'NO' AS "notnull"
FROM rs.columns c LEFT JOIN rs.declared d ON d.relid = c.relid WHERE c.relkind = 'r';
CREATE VIEW pg_catalog.stl_load_errors AS SELECT * FROM rs.stl_load_errors;

-- What stands in for PostgreSQL's own catalogue: pg_views knows the text of late-binding views, pg_constraint what is not enforced.
CREATE VIEW rs.pg_views AS
SELECT v.schemaname, v.viewname, v.viewowner, coalesce(l.said, v.definition) AS definition
FROM pg_catalog.pg_views v LEFT JOIN rs.late l ON l.nsp = v.schemaname AND l.rel = v.viewname WHERE v.schemaname !~ '^(rs$|rs_)'
UNION ALL SELECT schemaname, matviewname, matviewowner, 'CREATE MATERIALIZED VIEW ' || matviewname || ' AS ' || definition FROM pg_matviews;
CREATE VIEW rs.pg_tables AS SELECT * FROM pg_catalog.pg_tables WHERE schemaname !~ '^(rs$|rs_)';
CREATE FUNCTION rs.informed() RETURNS TABLE (oid oid, conname name, contype "char", conrelid oid, def text) LANGUAGE sql STABLE AS $$
  SELECT (2000000000 + row_number() OVER (ORDER BY relid, kind, name))::bigint::oid, coalesce(name, c.relname || '_pkey')::name, kind, relid, i.def
  FROM rs.informational i JOIN pg_class c ON c.oid = i.relid $$;
CREATE VIEW rs.pg_constraint AS
SELECT oid, conname, connamespace, contype, conrelid, conkey FROM pg_catalog.pg_constraint WHERE conname !~ '^rs_' AND contype <> 'n'
UNION ALL SELECT i.oid, i.conname, c.relnamespace, i.contype, i.conrelid, NULL FROM rs.informed() i JOIN pg_class c ON c.oid = i.conrelid;
CREATE FUNCTION rs.pg_get_constraintdef(id oid) RETURNS text LANGUAGE sql STABLE AS
  $$SELECT coalesce((SELECT def FROM rs.informed() i WHERE i.oid = id), pg_catalog.pg_get_constraintdef(id))$$;
CREATE FUNCTION rs.pg_get_constraintdef(id oid, pretty boolean) RETURNS text LANGUAGE sql STABLE AS
  $$SELECT rs.pg_get_constraintdef(id)$$;
CREATE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record LANGUAGE sql STABLE AS $$
  SELECT c.table_schema::name, c.table_name::name, c.column_name::name, replace(format_type(c.atttypid, c.atttypmod), 'jsonb', 'super')::varchar, c.ordinal_position
  FROM rs.columns c JOIN rs.late l ON l.nsp = c.table_schema AND l.rel = c.table_name $$;
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS int LANGUAGE sql STABLE AS $$SELECT coalesce(nullif(current_setting('rs.copied', true), ''), '0')::int$$;
GRANT SELECT ON ALL TABLES IN SCHEMA rs TO PUBLIC;

-- A role is one that does not log in, a user one that does; PostgreSQL's and the stand-in's own are neither.
CREATE VIEW pg_catalog.svv_roles AS
SELECT oid::int AS role_id, rolname::varchar AS role_name, NULL::varchar AS role_owner, NULL::varchar AS external_id
FROM pg_roles WHERE NOT rolcanlogin AND rolname !~ '^(pg_|rs_)';
CREATE VIEW pg_catalog.svv_user_grants AS
SELECT u.oid::int AS user_id, u.rolname::varchar AS user_name, r.role_id, r.role_name, m.admin_option
FROM pg_auth_members m JOIN pg_roles u ON u.oid = m.member JOIN pg_catalog.svv_roles r ON r.role_id = m.roleid::int WHERE u.rolcanlogin AND m.inherit_option; -- who made a role may only give it

GRANT SELECT ON pg_catalog.svv_roles TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_user_grants TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_columns TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_redshift_columns TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_all_columns TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_tables TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_redshift_tables TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_all_tables TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_mv_info TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_redshift_schemas TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_all_schemas TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_external_schemas TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_external_tables TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_external_columns TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_redshift_databases TO PUBLIC;
GRANT SELECT ON pg_catalog.svv_table_info TO PUBLIC;
GRANT SELECT ON pg_catalog.pg_table_def TO PUBLIC;
GRANT SELECT ON pg_catalog.stl_load_errors TO PUBLIC;
