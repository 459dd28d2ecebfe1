"""Rules of the verbs: they ask leave first, and know nothing of HTTP, raw SQL or another tenant."""

import ast

from tests.architecture.source import body, functions, modules, name, tree

PUBLIC_ACTIONS = {
    "register",
    "verify_email",
    "log_in",
    "log_in_with_oidc",
    "refresh",
    "revoke",
    "forgot_password",
    "reset_password",
    "accept_invitation",
    "find_session",
    "open_widget",
}
"""What somebody may do whom we do not know yet."""

UNITS = {"Tx", "Reading"}


def _is_action(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A public coroutine whose first argument is a unit of work."""
    arguments = [*function.args.posonlyargs, *function.args.args]
    if not isinstance(function, ast.AsyncFunctionDef) or function.name.startswith("_") or not arguments:
        return False
    annotation = arguments[0].annotation
    return isinstance(annotation, ast.Name) and annotation.id in UNITS


def _asks_leave(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the first statement is ``tx.require(…)``, or ``… = tx.require_member()`` for what is one's own."""
    first = body(function)[0]
    call = first.value if isinstance(first, ast.Expr | ast.Assign) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in {"require", "require_member"}
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == [*function.args.posonlyargs, *function.args.args][0].arg
    )


def test_every_action_asks_leave_first() -> None:
    silent = [
        f"{name(path)}:{function.lineno} {function.name}"
        for path in modules("app/actions")
        for function in functions(path)
        if _is_action(function) and function.name not in PUBLIC_ACTIONS and not _asks_leave(function)
    ]
    assert silent == []


def test_the_exceptions_exist() -> None:
    actions = {function.name for path in modules("app/actions") for function in functions(path) if _is_action(function)}
    assert PUBLIC_ACTIONS - actions == set()


def test_actions_speak_no_raw_sql() -> None:
    """``text()`` and ``__table__`` would pass by the narrowing to one tenant."""
    raw = []
    for path in modules("app/actions"):
        for node in ast.walk(tree(path)):
            is_text = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "text"
            is_table = isinstance(node, ast.Attribute) and node.attr == "__table__"
            if is_text or is_table:
                raw.append(f"{name(path)}:{node.lineno}")
    assert raw == []


def test_only_edges_commit() -> None:
    """An action never commits or rolls back its unit of work; the edge that opened it does. Savepoints are its own."""
    ended = [
        f"{name(path)}:{node.lineno}"
        for path in modules("app/actions")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in {"commit", "rollback"}
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "session"
    ]
    assert ended == []
