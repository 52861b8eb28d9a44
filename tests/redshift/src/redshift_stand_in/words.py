"""Redshift's vocabulary: its reserved words, and the functions that it has, has not, or has under another name here."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


RESERVED = _set(
    """aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between binary
    blanksasnull both bytedict bzip2 case cast check collate column constraint create credentials cross current_date
    current_time current_timestamp current_user current_user_id default deferrable deflate defrag delta delta32k
    desc disable distinct do else emptyasnull enable encode encrypt encryption end except explicit false for foreign
    freeze from full globaldict256 globaldict64k grant group gzip having identity ignore ilike in initially inner
    intersect interval into is isnull join leading left like limit localtime localtimestamp lun luns lzo lzop minus
    mostly16 mostly32 mostly8 natural new not notnull null nulls off offline offset oid old on only open or order
    outer overlaps parallel partition percent permissions pivot placing primary raw readratio recover references
    rejectlog resort respect restore right select session_user similar snapshot some sysdate system table tag tdes
    text255 text32k then timestamp to top trailing true truncatecolumns union unique unnest unpivot user using
    verbose wallet when where with without"""
)

# Without a word of difference in PostgreSQL, for the types that Redshift has.
SAME = _set(
    """abs acos any_value ascii asin atan atan2 bit_and bit_or bool_and bool_or btrim cbrt ceil ceiling chr coalesce
    col_description cos cot count cume_dist current_database current_schema current_schemas current_setting
    current_user date_trunc degrees dense_rank exists exp first_value floor format_type greatest grouping
    has_database_privilege has_schema_privilege has_table_privilege initcap lag last_value lead least left length ln
    log lower lpad ltrim max md5 min mod now nth_value ntile nullif obj_description octet_length percent_rank
    percentile_cont percentile_disc pg_backend_pid pg_cancel_backend pg_encoding_to_char pg_get_expr
    pg_get_late_binding_view_cols pg_get_userbyid pg_get_viewdef pg_last_copy_count pg_table_is_visible
    pg_terminate_backend pi position power quote_ident quote_literal radians random rank regexp_count regexp_instr
    repeat replace reverse right round row_number rpad rtrim session_user set_config sign sin split_part sqrt stddev
    stddev_pop stddev_samp strpos substr substring sum tan timeofday to_char to_date to_hex to_number to_timestamp
    translate trim upper user var_pop var_samp variance"""
)

RENAMED = {
    "dexp": "exp",
    "dlog1": "ln",
    "dlog10": "log",
    "dsqrt": "sqrt",
    "nvl": "coalesce",
    "pow": "power",
    "rand": "random",
}

# In the schema rs of the stand-in, under the name on the right.
OURS = {
    "add_months": "add_months",
    "avg": "avg",
    "can_json_parse": "can_json_parse",
    "char_length": "len",
    "character_length": "len",
    "charindex": "charindex",
    "convert_timezone": "convert_timezone",
    "date_add": "dateadd",
    "date_diff": "datediff",
    "date_part": "extract",
    "dateadd": "dateadd",
    "datediff": "datediff",
    "extract": "extract",
    "fnv_hash": "fnv_hash",
    "getdate": "getdate",
    "is_valid_json": "is_valid_json",
    "is_valid_json_array": "is_valid_json_array",
    "json_extract_path_text": "json_extract_path_text",
    "json_parse": "json_parse",
    "json_serialize": "json_serialize",
    "json_typeof": "json_typeof",
    "last_day": "last_day",
    "len": "len",
    "months_between": "months_between",
    "pg_get_constraintdef": "pg_get_constraintdef",
    "regexp_replace": "regexp_replace",
    "regexp_substr": "regexp_substr",
    "sha2": "sha2",
    "strtol": "strtol",
    "sysdate": "sysdate",
    "textlen": "len",
    "trunc": "trunc",
    "version": "version",
}

# Rewritten by hand.
BY_HAND = _set(
    """cast concat convert current_user_id date date_cmp decode func_sha1 isnull listagg median nvl2 percentile_approx
    ratio_to_report sha sha1 timestamp"""
)

# Redshift has them; the stand-in does not know them.
UNKNOWN_HERE = _set(
    """array array_concat array_contains array_distinct array_flatten array_position array_slice array_to_string
    ascii_hex bitand bpcharcmp bttext_pattern_cmp checksum collate cosh crc32 current_aws_account current_namespace
    current_session_arn date_cmp date_cmp_timestamp date_cmp_timestamptz date_part_year dexp extract_all
    farmfingerprint64 farmhash64 from_hex from_varbyte geometrytype get_array_length get_number_attributes getbit
    h3_boundary hll hll_cardinality hll_combine hll_create_sketch interval_cmp is_array is_bigint is_boolean is_char
    is_decimal is_float is_integer is_object is_scalar is_smallint is_varchar json_array_length
    json_extract_array_element_text json_size lower_attribute_names next_day object_transform pg_last_copy_id
    pg_last_query_id pg_last_unload_id sinh soundex split_to_array st_astext st_distance st_geomfromtext st_point
    st_x st_y subarray tanh text_to_numeric_alt timestamp_cmp timestamp_cmp_date timestamp_cmp_timestamptz
    timestamptz_cmp timezone to_geohash to_numeric to_varbyte upper_attribute_names varbyte_to_text"""
)

# PostgreSQL has them, Redshift has not (AWS: "Unsupported PostgreSQL functions", and newer ones).
UNSUPPORTED = _set(
    """age_in_days array_agg array_append array_cat array_dims array_lower array_ndims array_prepend array_remove
    array_replace array_upper bit_length cardinality clock_timestamp concat_ws convert_from convert_to corr
    covar_pop covar_samp crosstab currval date_bin div encode every factorial format gcd gen_random_uuid
    generate_subscripts has_any_column_privilege has_column_privilege inet_client_addr inet_client_port
    inet_server_addr inet_server_port isfinite json_agg json_array_elements json_build_array json_build_object
    json_each json_object_agg json_object_keys json_populate_record jsonb_agg jsonb_array_elements
    jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_extract_path_text jsonb_object_agg
    jsonb_object_keys jsonb_path_query jsonb_pretty jsonb_set jsonb_typeof justify_days justify_hours
    justify_interval lastval lcm make_date make_interval make_time make_timestamp make_timestamptz min_scale mode
    nextval normalize num_nonnulls num_nulls overlay parse_ident percentile_disc_within pg_advisory_lock
    pg_advisory_unlock pg_advisory_xact_lock pg_notify pg_relation_size pg_size_pretty pg_sleep
    pg_total_relation_size pg_try_advisory_lock quote_nullable regexp_match regexp_matches regexp_split_to_array
    regexp_split_to_table regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy
    regr_syy row_to_json scale setseed setval starts_with statement_timestamp string_agg string_to_array
    string_to_table to_json to_jsonb to_regclass transaction_timestamp trim_scale txid_current unistr unnest
    uuid_generate_v4 width_bucket xmlagg xmlconcat xmlelement xmlforest xmlparse xmlserialize xpath"""
)

TYPES = _set(
    """"char" bigint binary bool boolean bpchar char character date decimal double float float4 float8 geography
    geometry hllsketch int int2 int4 int8 integer interval name national nchar numeric nvarchar oid real record
    refcursor regclass regproc regtype smallint super text time timestamp timestamptz timetz varbinary varbyte
    varchar"""
)

AGGREGATES = _set(
    """avg bit_and bit_or bool_and bool_or count first_value last_value max min nth_value stddev stddev_pop stddev_samp
    sum var_pop var_samp variance"""
)

ORDERED_AGGREGATES = _set("""listagg median percentile_cont""")
