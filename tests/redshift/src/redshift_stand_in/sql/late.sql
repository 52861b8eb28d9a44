-- Late-binding views, VARCHAR in bytes and what PostgreSQL has no place for.
SET check_function_bodies = off;
CREATE TABLE rs.late (nsp name, rel name, body text, said text, owner name, PRIMARY KEY (nsp, rel));
CREATE TABLE rs.declared (relid oid PRIMARY KEY, diststyle text, distkey text, sortkey text[], compound boolean);
CREATE TABLE rs.informational (relid oid, kind "char", name text, def text);
CREATE TABLE rs.stl_load_errors (userid int, slice int, tbl int, starttime timestamp, session int, query int, filename char(256),
  line_number bigint, colname char(127), type char(10), col_length char(10), position int, raw_line char(1024),
  raw_field_value char(1024), err_code int, err_reason char(100), is_partial int, start_offset bigint, copy_job_id bigint);
CREATE TABLE rs.external (nsp name PRIMARY KEY, catalog text, role text);
GRANT ALL ON ALL TABLES IN SCHEMA rs TO PUBLIC;

CREATE FUNCTION rs.missing(why text) RETURNS boolean LANGUAGE plpgsql AS
  $$BEGIN RAISE EXCEPTION '%', why USING ERRCODE = '42P01'; END$$;

-- All late-binding views above a relation, nearest first.
CREATE FUNCTION rs.above(relid oid) RETURNS TABLE (viewid oid, depth int) LANGUAGE sql STABLE AS $$
  WITH RECURSIVE up(viewid, depth) AS (
    SELECT r.ev_class, 1 FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = relid AND r.ev_class <> relid
    UNION
    SELECT r.ev_class, up.depth + 1 FROM up JOIN pg_depend d ON d.refobjid = up.viewid JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND r.ev_class <> up.viewid AND up.depth < 30)
  SELECT viewid, min(depth) FROM up GROUP BY 1 $$;

-- Take the late-binding views that read a relation off it: they keep name and columns, and fail when they are read.
CREATE FUNCTION rs.stub(view_id oid, why text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE cols text := (SELECT string_agg(format('NULL::%s AS %I', format_type(atttypid, atttypmod), attname), ', ' ORDER BY attnum)
  FROM pg_attribute WHERE attrelid = view_id AND attnum > 0 AND NOT attisdropped);
BEGIN
  EXECUTE format('CREATE OR REPLACE VIEW %s AS SELECT %s WHERE rs.missing(%L)', view_id::regclass, coalesce(cols, ''), why);
END $$;
CREATE FUNCTION rs.detach(relid oid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v record;
BEGIN
  IF relid IS NULL THEN RETURN; END IF;
  FOR v IN SELECT c.oid FROM rs.above(relid) a JOIN pg_class c ON c.oid = a.viewid JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN rs.late l ON l.nsp = n.nspname AND l.rel = c.relname WHERE a.depth = 1 LOOP
    PERFORM rs.stub(v.oid, format('relation "%s" does not exist', replace(relid::regclass::text, '"', '')));
  END LOOP;
END $$;
CREATE FUNCTION rs.detach_schema(nsp text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
  FOR r IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = nsp AND c.relkind IN ('r', 'v', 'm', 'f') LOOP
    PERFORM rs.detach(r.oid);
  END LOOP;
END $$;

-- Bind one late-binding view to what its text names now; what cannot be bound fails when it is read.
CREATE FUNCTION rs.bind(schema_name name, view_name name, seen text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE l rs.late; target text := format('%I.%I', schema_name, view_name); rights text[]; again text; before int;
BEGIN
  SELECT * INTO l FROM rs.late WHERE nsp = schema_name AND rel = view_name;
  before := (SELECT relnatts FROM pg_class WHERE oid = to_regclass(target));
  BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW %s AS %s', target, l.body);
    IF before <> (SELECT relnatts FROM pg_class WHERE oid = to_regclass(target)) THEN
      PERFORM rs.detach(to_regclass(target)); -- a * above it means more now
    END IF;
  EXCEPTION WHEN undefined_table OR undefined_column OR invalid_schema_name OR undefined_function OR datatype_mismatch THEN
    IF to_regclass(target) IS NULL THEN
      EXECUTE format('CREATE VIEW %s AS SELECT WHERE rs.missing(%L)', target, SQLERRM);
    ELSE
      PERFORM rs.stub(to_regclass(target), SQLERRM);
    END IF;
  WHEN invalid_table_definition OR feature_not_supported THEN -- other columns than before
    IF before IS NULL THEN RAISE; END IF;
    PERFORM rs.detach(to_regclass(target));
    rights := ARRAY(SELECT format('GRANT %s ON %s TO %s', x.privilege_type, target,
        CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END)
      FROM pg_class c, aclexplode(c.relacl) x WHERE c.oid = to_regclass(target) AND x.grantee <> c.relowner);
    EXECUTE format('DROP VIEW %s', target);
    PERFORM rs.bind(schema_name, view_name, seen);
    IF current_user <> l.owner THEN
      EXECUTE format('ALTER VIEW %s OWNER TO %I', target, l.owner);
    END IF;
    FOREACH again IN ARRAY rights LOOP
      EXECUTE again;
    END LOOP;
  END;
  PERFORM rs.rebind(view_name, seen);
END $$;
-- Bind the views again that were taken off something of this name.
CREATE FUNCTION rs.rebind(changed text, seen text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE l record; p text := '%"' || replace(replace(replace(changed, '\', '\\'), '_', '\_'), '%', '\%') || '"%';
BEGIN
  IF seen = '{}' THEN
    DELETE FROM rs.late x WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_views v WHERE v.schemaname = x.nsp AND v.viewname = x.rel);
  END IF;
  FOR l IN SELECT x.nsp, x.rel FROM rs.late x WHERE x.body LIKE p AND x.nsp || '.' || x.rel <> ALL (seen)
      AND pg_get_viewdef(format('%I.%I', x.nsp, x.rel)::regclass) LIKE '%rs.missing(%' LOOP
    PERFORM rs.bind(l.nsp, l.rel, seen || (l.nsp || '.' || l.rel));
  END LOOP;
END $$;
CREATE FUNCTION rs.late_view(schema_name text, view_name text, body text, said text, replacing boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE target text := format('%I.%I', schema_name, view_name);
BEGIN
  IF to_regclass(target) IS NOT NULL AND NOT replacing THEN
    RAISE EXCEPTION 'Relation "%" already exists', view_name USING ERRCODE = '42P07';
  END IF;
  PERFORM rs.detach(to_regclass(target));
  INSERT INTO rs.late VALUES (schema_name, view_name, body, said, current_user)
    ON CONFLICT (nsp, rel) DO UPDATE SET body = excluded.body, said = excluded.said;
  PERFORM rs.bind(schema_name, view_name, ARRAY[schema_name || '.' || view_name]);
  PERFORM rs.rebind(view_name);
END $$;

-- What follows CREATE TABLE and ADD COLUMN: every text column has a length, and lengths count bytes.
CREATE FUNCTION rs.settle(relation text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE c record; old record; places int; relid oid := to_regclass(relation);
BEGIN
  FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = relid AND attnum > 0 AND NOT attisdropped
      AND atttypid = 'numeric'::regtype AND atttypmod < 0 LOOP
    EXECUTE format('SELECT coalesce(max(scale(%I)), 0) FROM %s', c.attname, relid::regclass) INTO places;
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE numeric(38, %s)', relid::regclass, c.attname, least(places, 37));
  END LOOP;
  FOR c IN SELECT attname, atttypid, atttypmod, attnum FROM pg_attribute WHERE attrelid = relid AND attnum > 0 AND NOT attisdropped
      AND atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'unknown'::regtype, 'name'::regtype) LOOP
    IF c.atttypmod < 0 THEN
      EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE varchar(65535)', relid::regclass, c.attname);
      c.atttypmod := 65539;
      c.atttypid := 'varchar'::regtype;
    END IF;
    FOR old IN SELECT conname FROM pg_constraint k
        WHERE k.conrelid = relid AND k.contype = 'c' AND k.conname LIKE 'rs\_%' AND k.conkey = ARRAY[c.attnum] LOOP
      EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', relid::regclass, old.conname);
    END LOOP;
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (octet_length(%I) <= %s)', relid::regclass,
      format('rs_%s_%s_%s', CASE WHEN c.atttypid = 'bpchar'::regtype THEN 'chars' ELSE 'bytes' END, c.atttypmod - 4, c.attnum),
      c.attname, c.atttypmod - 4);
  END LOOP;
END $$;
CREATE FUNCTION rs.declare(relation text, diststyle text, distkey text, sortkey text[], compound boolean) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO rs.declared VALUES (to_regclass(relation), diststyle, distkey, sortkey, compound) ON CONFLICT (relid) DO UPDATE
  SET diststyle = coalesce(excluded.diststyle, declared.diststyle), distkey = coalesce(excluded.distkey, declared.distkey),
      sortkey = coalesce(excluded.sortkey, declared.sortkey), compound = excluded.compound $$;
CREATE FUNCTION rs.inform(relation text, kind text, name text, def text) RETURNS void LANGUAGE sql AS
  $$INSERT INTO rs.informational VALUES (to_regclass(relation), kind::"char", name, def)$$;
