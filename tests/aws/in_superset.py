"""Run by Superset's own Python, whose SQLAlchemy and Redshift dialect are other than ours: queries on stdin, the first
row of each on stdout, both JSON.
"""

import json
import sys

from sqlalchemy import create_engine, text

asked = json.load(sys.stdin)
answers = {}
with create_engine(asked["uri"]).connect() as connection:
    for name, query in asked["queries"].items():
        row = connection.execute(text(query)).fetchone()
        answers[name] = row and [None if value is None else str(value) for value in row]
json.dump(answers, sys.stdout)
