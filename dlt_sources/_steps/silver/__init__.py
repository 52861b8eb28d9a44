"""Silver: accepted rows as Iceberg tables of the lake."""
