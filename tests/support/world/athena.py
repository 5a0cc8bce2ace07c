"""Queries of Amazon Athena over log files, which moto does not run: DuckDB runs them, and moto hands out the results.

sqlglot reads the statements in Athena's own dialect and writes them anew for DuckDB. The columns of a table are those of its
CREATE EXTERNAL TABLE; rows are read out of the objects as Athena's reader of CloudTrail's files does it, and partitions out of
their keys by `storage.location.template`.
"""

import gzip
import json
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .answers import Answer
from .calls import Call

#: The state of a query that failed.
FAILED = "FAILED"


@dataclass(frozen=True)
class Column:
    """A column, and its type for DuckDB."""

    name: str
    kind: Any

    @property
    def duckdb(self) -> str:
        """The type as DuckDB writes it."""
        return self.kind.sql(dialect="duckdb")


@dataclass(frozen=True)
class Table:
    """A table as its statement makes it."""

    columns: tuple[Column, ...]
    partitions: tuple[str, ...]
    bucket: str
    #: What keys match, with a group for every partition.
    key: re.Pattern[str]


def table_of(statement: str) -> tuple[tuple[str, str], Table]:
    """The table that a CREATE EXTERNAL TABLE makes, and its database and name."""
    import sqlglot
    from sqlglot import exp

    create = sqlglot.parse_one(statement, read="athena")
    assert isinstance(create, exp.Create), statement
    name = create.this.this
    partitioned = create.find(exp.PartitionedByProperty)
    partitions = tuple(column.name for column in partitioned.this.find_all(exp.ColumnDef))
    columns = tuple(
        Column(column.name, column.args["kind"])
        for column in create.this.expressions
        if column.name not in partitions
    )
    properties = {one.name: one.args["value"].name for one in create.find_all(exp.Property) if type(one) is exp.Property}
    assert properties["projection.enabled"] == "true", properties
    for partition in partitions:
        assert f"projection.{partition}.type" in properties, (partition, properties)
    template = properties["storage.location.template"]
    location = create.find(exp.LocationProperty).this.name
    assert template.startswith(location), (template, location)
    bucket, _, path = template.removeprefix("s3://").partition("/")
    pattern = re.escape(path)
    for partition in partitions:
        values = properties.get(f"projection.{partition}.values")
        allowed = "|".join(map(re.escape, values.split(","))) if values else r"\d{4}/\d\d/\d\d" if partition == "day" else "[^/]+"
        pattern = pattern.replace(re.escape(f"${{{partition}}}"), f"(?P<{partition}>{allowed})")
    return (name.args["db"].name, name.name), Table(columns, partitions, bucket, re.compile(pattern + "/.*"))


def read(value: Any, kind: Any) -> Any:
    """A value of an event as the reader of CloudTrail's files gives it to a column of this type."""
    from sqlglot import exp

    if value is None:
        return None
    if kind.this == exp.DataType.Type.STRUCT:
        members = {name.lower(): member for name, member in value.items()} if isinstance(value, dict) else None
        return members and {field.name: read(members.get(field.name), field.args["kind"]) for field in kind.expressions}
    if kind.this == exp.DataType.Type.ARRAY:
        return [read(one, kind.expressions[0]) for one in value] if isinstance(value, list) else None
    if kind.this == exp.DataType.Type.MAP:
        return {name: str(one) for name, one in value.items()} if isinstance(value, dict) else None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def rows(columns: Iterable[Column], event: dict[str, Any]) -> dict[str, Any]:
    """An event as a row."""
    members = {name.lower(): value for name, value in event.items()}
    return {column.name: read(members.get(column.name), column.kind) for column in columns}


def translated(sql: str) -> str:
    """A query in DuckDB's dialect. Trino's must be able to read it too."""
    import sqlglot

    sqlglot.parse_one(sql, read="trino")
    return sqlglot.transpile(sql, read="athena", write="duckdb")[0]


def run(sql: str, types: dict[str, str], data: Iterable[dict[str, Any]], table: tuple[str, str]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """What a query gives over rows of a table with these columns: the names, and the rows."""
    import duckdb

    with duckdb.connect() as connection, tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        for row in data:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        file.flush()
        database, name = table
        if database != "main":
            connection.execute(f'CREATE SCHEMA "{database}"')
        columns = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
        connection.execute(f'CREATE TABLE "{database}"."{name}" ({columns})')
        listed = "{" + ", ".join(f"'{column}': '{kind}'" for column, kind in types.items()) + "}"
        connection.execute(
            f"""INSERT INTO "{database}"."{name}" SELECT * FROM
            read_json('{file.name}', format = 'newline_delimited', columns = {listed}, maximum_object_size = 100000000)"""
        )
        done = connection.execute(translated(sql))
        return [column[0] for column in done.description], done.fetchall()


class Athena:
    """The tables that were made, and what queries came to."""

    def __init__(self) -> None:
        self._tables: dict[tuple[str, str], Table] = {}
        self._outcomes: dict[str, dict[str, Any]] = {}

    def clear(self) -> None:
        """Back to no tables."""
        self.__init__()

    def answer(self, call: Call, ask_moto: Callable[[], Answer]) -> Answer:
        """What Athena answers."""
        parameters = json.loads(call.body or b"{}")
        if call.operation == "StartQueryExecution":
            outcome = self._start(call, parameters)
            answer = ask_moto()
            if answer.status == 200:
                self._outcomes[json.loads(answer.body)["QueryExecutionId"]] = outcome
            return answer
        answer = ask_moto()
        if call.operation == "GetQueryExecution" and answer.status == 200:
            value = json.loads(answer.body)
            execution, outcome = value["QueryExecution"], self._outcomes.get(parameters["QueryExecutionId"], {})
            execution["Statistics"]["DataScannedInBytes"] = outcome.get("bytes", 0)
            if execution["Status"]["State"] == "SUCCEEDED" and "reason" in outcome:
                execution["Status"].update(State=FAILED, StateChangeReason=outcome["reason"])
            return answer._replace(body=json.dumps(value).encode())
        return answer

    def _start(self, call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
        from moto.athena.models import QueryResults, athena_backends

        backend = athena_backends[call.account][call.region]
        if backend.query_results_queue:
            # A test has said what the result shall be.
            return {"bytes": 1}
        sql = parameters["QueryString"]
        try:
            if sql.startswith("CREATE EXTERNAL TABLE"):
                name, table = table_of(sql)
                self._tables[name] = table
                return {"bytes": 0}
            named = re.search(r'FROM "(\w+)"\."(\w+)"', sql)
            name = (named[1], named[2]) if named else ("", "")
            if name not in self._tables:
                return {"reason": f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{name[0]}.{name[1]}' does not exist"}
            scanned, names, found = self._run(call, sql, name)
        except Exception as problem:  # whoever sent the statement shall see what is wrong with it
            return {"reason": f"SYNTAX_ERROR: {type(problem).__name__}: {problem}"}
        cells = [names, *found]
        data = [{"Data": [{} if cell is None else {"VarCharValue": str(cell)} for cell in row]} for row in cells]
        backend.query_results_queue.append(QueryResults(data, [{"Name": column, "Type": "varchar"} for column in names]))
        return {"bytes": scanned}

    def _run(self, call: Call, sql: str, name: tuple[str, str]) -> tuple[int, list[str], list[tuple[Any, ...]]]:
        from moto.s3.models import s3_backends

        table, scanned, data = self._tables[name], 0, []
        bucket = s3_backends[call.account]["aws"].buckets[table.bucket]
        for key, stored in list(bucket.keys.items()):
            place = table.key.fullmatch(key)
            if place is None:
                continue
            body = stored.value
            scanned += len(body)
            text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
            for event in json.loads(text)["Records"]:
                data.append({**rows(table.columns, event), **place.groupdict(), "$path": f"s3://{table.bucket}/{key}"})
        types = {column.name: column.duckdb for column in table.columns}
        types.update({partition: "VARCHAR" for partition in (*table.partitions, "$path")})
        return scanned, *run(sql, types, data, name)
