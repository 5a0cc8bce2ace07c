"""Whether conditions in SQL select the events that they should.

Standard input: {"statement": CREATE EXTERNAL TABLE ..., "conditions": [...], "events": [...]}. Standard output: for each
condition the numbers of the events that it selects, as JSON.
"""

import json
import sys

from world.athena import rows, run, table_of

question = json.load(sys.stdin)
name, table = table_of(question["statement"])
data = [{**rows(table.columns, event), "number": number} for number, event in enumerate(question["events"])]
types = {column.name: column.duckdb for column in table.columns} | {"number": "BIGINT"}
columns = ",\n".join(f"IF({condition}, 1) AS c{number}" for number, condition in enumerate(question["conditions"]))
sql = f'SELECT number, {columns} FROM "{name[0]}"."{name[1]}" ORDER BY number'
_, found = run(sql, types, data, name)
assert len(found) == len(data), (len(found), len(data))
json.dump([[row[0] for row in found if row[place] == 1] for place in range(1, len(question["conditions"]) + 1)], sys.stdout)
