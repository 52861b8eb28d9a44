-- Redshift's functions that PostgreSQL has not, or has with another meaning. Installed in the template database.
SET check_function_bodies = off;
CREATE SCHEMA rs;
GRANT USAGE ON SCHEMA rs TO PUBLIC;
CREATE EXTENSION postgres_fdw;

-- AVG of an integer is a BIGINT that drops the fraction; of a NUMERIC it keeps the argument's scale.
CREATE FUNCTION rs.avg_final(state bigint[]) RETURNS bigint IMMUTABLE LANGUAGE sql AS
  'SELECT CASE WHEN state[1] = 0 THEN NULL ELSE state[2] / state[1] END';
CREATE FUNCTION rs.avg_int(state bigint[], value bigint) RETURNS bigint[] IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT ARRAY[state[1] + 1, state[2] + value]';
CREATE AGGREGATE rs.avg(bigint) (SFUNC = rs.avg_int, STYPE = bigint[], FINALFUNC = rs.avg_final, INITCOND = '{0,0}');
CREATE FUNCTION rs.avg_int(state bigint[], value integer) RETURNS bigint[] IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT ARRAY[state[1] + 1, state[2] + value]';
CREATE AGGREGATE rs.avg(integer) (SFUNC = rs.avg_int, STYPE = bigint[], FINALFUNC = rs.avg_final, INITCOND = '{0,0}');
CREATE FUNCTION rs.avg_int(state bigint[], value smallint) RETURNS bigint[] IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT ARRAY[state[1] + 1, state[2] + value]';
CREATE AGGREGATE rs.avg(smallint) (SFUNC = rs.avg_int, STYPE = bigint[], FINALFUNC = rs.avg_final, INITCOND = '{0,0}');
CREATE FUNCTION rs.avg_numeric(state numeric[], value numeric) RETURNS numeric[] IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT ARRAY[state[1] + 1, state[2] + value]';
CREATE FUNCTION rs.avg_numeric_final(state numeric[]) RETURNS numeric IMMUTABLE LANGUAGE sql AS
  'SELECT CASE WHEN state[1] = 0 THEN NULL ELSE trunc(state[2] / state[1], scale(state[2])) END';
CREATE AGGREGATE rs.avg(numeric)
  (SFUNC = rs.avg_numeric, STYPE = numeric[], FINALFUNC = rs.avg_numeric_final, INITCOND = '{0,0}');
CREATE AGGREGATE rs.avg(double precision)
  (SFUNC = float8_accum, STYPE = float8[], FINALFUNC = float8_avg, INITCOND = '{0,0,0}');

-- Casts to VARCHAR(n) and CHAR(n) cut silently, at n bytes.
CREATE FUNCTION rs.cut(value text, bytes int) RETURNS text IMMUTABLE STRICT LANGUAGE plpgsql AS $$
DECLARE cut text := left(value, bytes);
BEGIN
  WHILE octet_length(cut) > bytes LOOP
    cut := left(cut, length(cut) - greatest(1, (octet_length(cut) - bytes) / 4));
  END LOOP;
  RETURN cut;
END $$;
CREATE FUNCTION rs.bytes(value text, bytes int) RETURNS text IMMUTABLE LANGUAGE sql AS
  'SELECT CASE WHEN octet_length(value) <= bytes THEN value ELSE rs.cut(value, bytes) END';
CREATE FUNCTION rs.bytes(value boolean, bytes int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
  $$BEGIN RAISE EXCEPTION 'cannot cast type boolean to character varying' USING ERRCODE = '42846'; END$$;
CREATE FUNCTION rs.bytes(value jsonb, bytes int) RETURNS text IMMUTABLE LANGUAGE sql AS
  $$SELECT rs.bytes(CASE WHEN jsonb_typeof(value) = 'string' THEN value #>> '{}' ELSE rs.compact(value) END, bytes)$$;
CREATE FUNCTION rs.bytes(value anyelement, bytes int) RETURNS text IMMUTABLE LANGUAGE sql AS
  'SELECT rs.bytes(value::text, bytes)';
CREATE FUNCTION rs.compact(value jsonb) RETURNS text IMMUTABLE STRICT LANGUAGE plpgsql AS $$
BEGIN
  RETURN CASE jsonb_typeof(value)
    WHEN 'object' THEN '{' || coalesce((SELECT string_agg(to_json(key)::text || ':' || rs.compact(v), ',')
                                        FROM jsonb_each(value) AS e(key, v)), '') || '}'
    WHEN 'array' THEN '[' || coalesce((SELECT string_agg(rs.compact(v), ',')
                                       FROM jsonb_array_elements(value) AS e(v)), '') || ']'
    ELSE value::text END;
END $$;

-- Time. GETDATE has whole seconds, SYSDATE is the start of the transaction; both are at UTC without a zone.
CREATE FUNCTION rs.getdate() RETURNS timestamp STABLE LANGUAGE sql AS
  $$SELECT date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC')$$;
CREATE FUNCTION rs.sysdate() RETURNS timestamp STABLE LANGUAGE sql AS $$SELECT now() AT TIME ZONE 'UTC'$$;
CREATE FUNCTION rs.part(name text) RETURNS text IMMUTABLE STRICT LANGUAGE plpgsql AS $$
DECLARE found text := (SELECT p.part FROM (VALUES
  ('year', '{year,years,y,yr,yrs}'), ('quarter', '{quarter,quarters,qtr,qtrs}'), ('month', '{month,months,mon,mons}'),
  ('week', '{week,weeks,w}'), ('day', '{day,days,d}'), ('hour', '{hour,hours,h,hr,hrs}'),
  ('minute', '{minute,minutes,m,min,mins}'), ('second', '{second,seconds,s,sec,secs}'),
  ('milliseconds', '{millisecond,milliseconds,ms,msec,msecs,msecond,mseconds,millisec,millisecs,millisecon}'),
  ('microseconds', '{microsecond,microseconds,us,usec,usecs,microsec,microsecs,microsecond,useconds,usecond}'),
  ('dow', '{dow,dayofweek,dw,weekday}'), ('doy', '{doy,dayofyear,dy,yearday}'), ('epoch', '{epoch}'),
  ('decade', '{decade,decades,dec,decs}'), ('century', '{century,centuries,c,cent,cents}'),
  ('millennium', '{millennium,millennia,mil,mils}')) AS p(part, names) WHERE lower(name) = ANY (p.names::text[]));
BEGIN
  IF found IS NULL THEN RAISE EXCEPTION 'the stand-in does not know the date part "%"', name USING ERRCODE = '22023'; END IF;
  RETURN found;
END $$;
CREATE FUNCTION rs.dateadd(part text, amount bigint, value timestamp) RETURNS timestamp IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT value + CASE rs.part(part) WHEN 'quarter' THEN amount * interval '3 months' WHEN 'decade' THEN amount * interval '10 years'
    WHEN 'century' THEN amount * interval '100 years' ELSE amount * ('1 ' || rs.part(part))::interval END$$;
CREATE FUNCTION rs.dateadd(part text, amount bigint, value timestamptz) RETURNS timestamptz IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT rs.dateadd(part, amount, value AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'$$;
CREATE FUNCTION rs.dateadd(part text, amount bigint, value date) RETURNS timestamp IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT rs.dateadd(part, amount, value::timestamp)';
CREATE FUNCTION rs.dateadd(part text, amount bigint, value text) RETURNS timestamp IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT rs.dateadd(part, amount, value::timestamp)';

-- DATEDIFF counts the boundaries that lie between, not whole units. A week begins on Sunday here.
CREATE FUNCTION rs.datediff(part text, a timestamp, b timestamp) RETURNS bigint IMMUTABLE STRICT LANGUAGE plpgsql AS $$
DECLARE p text := rs.part(part); months bigint; micros numeric; y bigint;
BEGIN
  y := extract(year FROM b)::bigint - extract(year FROM a)::bigint;
  months := y * 12 + extract(month FROM b)::bigint - extract(month FROM a)::bigint;
  RETURN CASE p
    WHEN 'year' THEN y WHEN 'month' THEN months
    WHEN 'quarter' THEN y * 4 + extract(quarter FROM b)::bigint - extract(quarter FROM a)::bigint
    WHEN 'decade' THEN extract(decade FROM b)::bigint - extract(decade FROM a)::bigint
    WHEN 'century' THEN extract(century FROM b)::bigint - extract(century FROM a)::bigint
    WHEN 'week' THEN ((b::date - extract(dow FROM b)::int) - (a::date - extract(dow FROM a)::int)) / 7
    WHEN 'day' THEN b::date - a::date
    WHEN 'hour' THEN extract(epoch FROM date_trunc('hour', b) - date_trunc('hour', a))::bigint / 3600
    WHEN 'minute' THEN extract(epoch FROM date_trunc('minute', b) - date_trunc('minute', a))::bigint / 60
    WHEN 'second' THEN extract(epoch FROM date_trunc('second', b) - date_trunc('second', a))::bigint
    WHEN 'milliseconds' THEN (extract(epoch FROM date_trunc('milliseconds', b) - date_trunc('milliseconds', a)) * 1000)::bigint
    WHEN 'microseconds' THEN (extract(epoch FROM b - a) * 1000000)::bigint END;
END $$;
CREATE FUNCTION rs.datediff(part text, a timestamptz, b timestamptz) RETURNS bigint IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT rs.datediff(part, a AT TIME ZONE 'UTC', b AT TIME ZONE 'UTC')$$;
CREATE FUNCTION rs.datediff(part text, a text, b text) RETURNS bigint IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT rs.datediff(part, a::timestamp, b::timestamp)';
CREATE FUNCTION rs.extract(part text, value timestamp) RETURNS int IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT trunc(date_part(rs.part(part), value))::bigint::int';
CREATE FUNCTION rs.extract(part text, value date) RETURNS int IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT rs.extract(part, value::timestamp)';
CREATE FUNCTION rs.extract(part text, value time) RETURNS int IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT trunc(date_part(rs.part(part), value))::bigint::int';
CREATE FUNCTION rs.extract(part text, value timestamptz) RETURNS double precision IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT date_part(rs.part(part), value AT TIME ZONE 'UTC')$$;
CREATE FUNCTION rs.extract(part text, value interval) RETURNS int IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT trunc(date_part(rs.part(part), value))::bigint::int';
CREATE FUNCTION rs.last_day(value timestamp) RETURNS date IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT (date_trunc('month', value) + interval '1 month' - interval '1 day')::date$$;
CREATE FUNCTION rs.add_months(value timestamp, months bigint) RETURNS timestamp IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT CASE WHEN value::date = rs.last_day(value)
    THEN rs.last_day(value - (extract(day FROM value)::int - 1) * interval '1 day' + months * interval '1 month') + value::time
    ELSE value + months * interval '1 month' END$$;
CREATE FUNCTION rs.months_between(a timestamp, b timestamp) RETURNS double precision IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT (extract(year FROM a) - extract(year FROM b)) * 12 + extract(month FROM a) - extract(month FROM b)
    + CASE WHEN extract(day FROM a) = extract(day FROM b) OR (a::date = rs.last_day(a) AND b::date = rs.last_day(b)) THEN 0
      ELSE (extract(day FROM a) - extract(day FROM b)) / 31.0 END$$;
CREATE FUNCTION rs.convert_timezone(zone text, value timestamp) RETURNS timestamp IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT value AT TIME ZONE 'UTC' AT TIME ZONE zone$$;
CREATE FUNCTION rs.convert_timezone(zone text, value timestamptz) RETURNS timestamp IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT value AT TIME ZONE zone$$;
CREATE FUNCTION rs.convert_timezone(source text, zone text, value timestamp) RETURNS timestamp IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT value AT TIME ZONE source AT TIME ZONE zone$$;
CREATE FUNCTION rs.trunc(value timestamp) RETURNS date IMMUTABLE STRICT LANGUAGE sql AS 'SELECT value::date';
CREATE FUNCTION rs.trunc(value numeric) RETURNS numeric IMMUTABLE STRICT LANGUAGE sql AS 'SELECT pg_catalog.trunc(value)';
CREATE FUNCTION rs.trunc(value numeric, places int) RETURNS numeric IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT pg_catalog.trunc(value, places)';
CREATE FUNCTION rs.trunc(value double precision) RETURNS double precision IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT pg_catalog.trunc(value)';
CREATE FUNCTION rs.trunc(value double precision, places int) RETURNS double precision IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT pg_catalog.trunc(value::numeric, places)::double precision';
CREATE FUNCTION pg_catalog.round(value double precision, places int) RETURNS double precision IMMUTABLE STRICT LANGUAGE sql AS
  'SELECT pg_catalog.round(value::numeric, places)::double precision';

-- Text
CREATE FUNCTION rs.len(value text) RETURNS int IMMUTABLE STRICT LANGUAGE sql AS 'SELECT length(value)';
CREATE FUNCTION rs.sha2(value text, bits int) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT encode(CASE bits WHEN 224 THEN sha224(value::bytea) WHEN 384 THEN sha384(value::bytea)
    WHEN 512 THEN sha512(value::bytea) ELSE sha256(value::bytea) END, 'hex')$$;
CREATE FUNCTION rs.strtol(value text, base int) RETURNS bigint IMMUTABLE STRICT LANGUAGE plpgsql AS $$
DECLARE found numeric := 0; digits text := '0123456789abcdefghijklmnopqrstuvwxyz'; c text; at int;
  body text := lower(regexp_replace(trim(value), '^[+-]', ''));
BEGIN
  IF base = 16 AND body LIKE '0x%' THEN body := substr(body, 3); END IF;
  FOREACH c IN ARRAY string_to_array(body, NULL) LOOP
    at := position(c IN digits);
    IF at = 0 OR at > base THEN
      RAISE EXCEPTION 'The input % is not valid to be converted to base %', value, base USING ERRCODE = '22P02';
    END IF;
    found := found * base + at - 1;
  END LOOP;
  RETURN CASE WHEN trim(value) LIKE '-%' THEN -found ELSE found END;
END $$;
CREATE FUNCTION rs.charindex(needle text, hay text) RETURNS int IMMUTABLE STRICT LANGUAGE sql AS 'SELECT strpos(hay, needle)';
CREATE FUNCTION rs.regexp_replace(value text, pattern text, by text) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT pg_catalog.regexp_replace(value, pattern, regexp_replace(by, '\$(\d)', '\\\1', 'g'), 'g')$$;
CREATE FUNCTION rs.regexp_replace(value text, pattern text) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT pg_catalog.regexp_replace(value, pattern, '', 'g')$$;
CREATE FUNCTION rs.regexp_substr(value text, pattern text) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT coalesce(pg_catalog.regexp_substr(value, pattern), '')$$;
CREATE FUNCTION rs.regexp_substr(value text, pattern text, at int) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT coalesce(pg_catalog.regexp_substr(value, pattern, at), '')$$;
CREATE FUNCTION rs.regexp_substr(value text, pattern text, at int, nth int) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT coalesce(pg_catalog.regexp_substr(value, pattern, at, nth), '')$$;
CREATE FUNCTION rs.regexp_substr(value text, pattern text, at int, nth int, flags text) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS
  $$SELECT coalesce(pg_catalog.regexp_substr(value, pattern, at, nth, replace(flags, 'e', ''), CASE WHEN flags LIKE '%e%' THEN 1 ELSE 0 END), '')$$;
CREATE FUNCTION rs.fnv_hash(value text) RETURNS bigint IMMUTABLE STRICT LANGUAGE plpgsql AS $$
DECLARE h numeric := 14695981039346656037; b bytea := value::bytea; low bigint; two64 numeric := 18446744073709551616;
BEGIN
  FOR i IN 0 .. length(b) - 1 LOOP
    h := mod(h * 1099511628211, two64);
    low := mod(h, 256)::bigint;
    h := h - low + (low # get_byte(b, i));
  END LOOP;
  RETURN CASE WHEN h >= 9223372036854775808 THEN h - two64 ELSE h END;
END $$;
-- With a seed: another hash than Redshift's, which is too slow here, of values of any type.
CREATE FUNCTION rs.fnv_hash(value anyelement, seed bigint) RETURNS bigint STABLE LANGUAGE sql AS
  'SELECT hashtextextended(value::text, seed)';
CREATE FUNCTION rs.fnv_hash(value anyelement) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT hashtextextended(value::text, 0)';

CREATE FUNCTION rs.version() RETURNS text IMMUTABLE LANGUAGE sql AS
  $$SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.0 (stand-in)'$$;
CREATE FUNCTION rs.current_user_id() RETURNS int STABLE LANGUAGE sql AS $$SELECT oid::int FROM pg_roles WHERE rolname = current_user$$;

-- SUPER
CREATE FUNCTION rs.is_valid_json(value text) RETURNS boolean IMMUTABLE STRICT LANGUAGE sql AS 'SELECT value IS JSON OBJECT';
CREATE FUNCTION rs.is_valid_json_array(value text) RETURNS boolean IMMUTABLE STRICT LANGUAGE sql AS 'SELECT value IS JSON ARRAY';
CREATE FUNCTION rs.can_json_parse(value text) RETURNS boolean IMMUTABLE STRICT LANGUAGE sql AS 'SELECT value IS JSON';
CREATE FUNCTION rs.json_parse(value text) RETURNS jsonb IMMUTABLE STRICT LANGUAGE sql AS 'SELECT value::jsonb';
CREATE FUNCTION rs.json_serialize(value jsonb) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS 'SELECT rs.compact(value)';
CREATE FUNCTION rs.json_typeof(value jsonb) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS 'SELECT jsonb_typeof(value)';
CREATE FUNCTION rs.json_extract_path_text(value text, VARIADIC path text[]) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE strict_null boolean := lower(path[array_length(path, 1)]) IN ('true', 'false'); found jsonb; lenient boolean := false;
BEGIN
  IF value IS NULL OR value = '' THEN RETURN value; END IF;
  IF strict_null THEN lenient := path[array_length(path, 1)]::boolean; path := path[1 : array_length(path, 1) - 1]; END IF;
  IF NOT (value IS JSON) THEN
    IF lenient THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'JSON parsing error' USING ERRCODE = '22P02', DETAIL = 'error: invalid json object ' || value;
  END IF;
  found := value::jsonb #> path;
  RETURN CASE WHEN found IS NULL OR jsonb_typeof(found) = 'null' THEN NULL
    WHEN jsonb_typeof(found) = 'string' THEN found #>> '{}' ELSE rs.compact(found) END;
END $$;
