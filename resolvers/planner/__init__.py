"""The planner: a selection of the graph becomes one SQL statement whose single cell is that selection's JSON.

* :mod:`declare` is how a type says where its fields live: columns, SQL expressions and edges to other rows.
* :mod:`sql` renders values as JSON text on SQLite and Postgres.
* :mod:`arguments` turns a field's arguments into bound parameters and into the shape a plan is cached by.
* :mod:`build` walks a selection and builds the statement.
* :mod:`plan` keeps the compiled statement and runs it.
* :mod:`limits` refuses documents that are too deep, too wide or too repetitive, in one linear pass.
"""
