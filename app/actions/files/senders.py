"""Who may send and see files, in the scopes they need."""

from app.core.access import Principal, Scope


def sending_scope(principal: Principal) -> Scope:
    """What a visitor, or an agent, needs to send a file."""
    return Scope.VISITOR if principal.kind == "visitor" else Scope.CONVERSATIONS_WRITE


def seeing_scope(principal: Principal) -> Scope:
    """What a visitor, or an agent, needs to see one."""
    return Scope.VISITOR if principal.kind == "visitor" else Scope.CONVERSATIONS_READ
