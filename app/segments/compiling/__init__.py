"""What rules mean in SQL: one condition over customers, for SQLite and for Postgres, for all of them or for a few."""

from app.segments.compiling.binds import CUSTOMERS
from app.segments.compiling.trees import Compiled, compile_rule, members_of, parameters_of, verdicts_of

__all__ = ["CUSTOMERS", "Compiled", "compile_rule", "members_of", "parameters_of", "verdicts_of"]
