"""What a source is declared to be: `source.yml` read strictly, held against its contracts, and refused in clear words."""
