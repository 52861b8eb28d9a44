/* The dashboards' user in a Redshift of your own: reads what was published, with the pipeline's own record, and writes nothing.
   Where Terraform made the Redshift, `python -m runtime.bootstrap` does this and more; this file is for doing it by hand.
   Run it once as an administrator in the database `serving`, after the first run has made the schemas. {reader}, {writer}, {role} and {password}
   are yours: ELT_DASHBOARDS_USER, ELT_REDSHIFT_USER (logged in by IAM: "IAMR:role", as `runner.py doctor` says it), ELT_REDSHIFT_ROLE and
   ELT_DASHBOARDS_PASSWORD. */
CREATE USER {reader} PASSWORD '{password}';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Else whoever runs queries could load any file of the lake into a table of their own.
REVOKE TEMP ON DATABASE serving FROM PUBLIC;
REVOKE TEMP ON DATABASE warehouse FROM PUBLIC;
GRANT TEMP ON DATABASE warehouse TO {writer};
REVOKE ASSUMEROLE ON ALL FROM PUBLIC FOR ALL;
GRANT ASSUMEROLE ON '{role}' TO {writer} FOR COPY, UNLOAD;

GRANT USAGE ON SCHEMA audiophile, deftunes, ops, people, sales, taxi TO {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA audiophile, deftunes, ops, people, sales, taxi TO {reader};

-- A publish makes a table again when its columns change: what the writer makes there later may be read, too.
ALTER DEFAULT PRIVILEGES FOR USER {writer} IN SCHEMA audiophile, deftunes, ops, people, sales, taxi
  GRANT SELECT ON TABLES TO {reader};
