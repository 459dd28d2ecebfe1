"""Users as others of the tenant see them."""

import models
from app.core.access import Scope
from resolvers.nodes import Node
from resolvers.planner.declare import Rows, column, rows, table_type


@table_type(models.User, noun="user", scope=Scope.CONVERSATIONS_READ)
class User(Node):
    """Somebody who works for the tenant, as they are met in teams and conversations."""

    name: str = column("What they are called.")
    email: str = column("Their e-mail address.", scope=Scope.MEMBERS_READ)


def user_of(key: object) -> Rows:
    """The user of this key, if they still work for the tenant."""
    user = rows(models.User)
    return user.where(user.c.id == key)
