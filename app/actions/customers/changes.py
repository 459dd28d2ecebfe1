"""What changed of whom between a picture as it was loaded and as it is: what segments go by."""

from collections.abc import Mapping
from uuid import UUID

from app.actions.customers.picture import Person, Picture
from app.core.documents import same_value
from app.core.tx import Change

FIELDS = ("timezone", "locale", "created_at", "updated_at")
MISSING = object()


def changes_in(picture: Picture) -> dict[UUID, list[Change]]:
    """The changes of everybody who is active. Kinds and names are those of :class:`app.segments.Dependency`, and
    ``customer`` with ``created`` or ``unmerged`` for who was not there before."""
    found: dict[UUID, list[Change]] = {}
    for person in picture.people.values():
        if person.status == "active":
            changes = _of_person(person, picture.people_before.get(person.id))
            if changes:
                found[person.id] = changes
    for customer_id, change in _of_names(picture):
        if picture.is_active(customer_id):
            found.setdefault(customer_id, []).append(change)
    return found


def _of_person(person: Person, before: Person | None) -> list[Change]:
    if before is None:
        return [("customer", "created")]
    if before.status != "active":
        return [("customer", "unmerged")]
    names = [] if person.attributes is before.attributes else _differing(person.attributes, before.attributes)
    changes = [("attribute", name) for name in names]
    if person.consents is not before.consents:
        channels = sorted(person.consents.keys() | before.consents.keys())
        changes += [("consent", one) for one in channels if person.consents.get(one) != before.consents.get(one)]
    fields = [field for field in FIELDS if getattr(person, field) != getattr(before, field)]
    return changes + [(field.removesuffix("_at"), "") for field in fields]


def _differing(after: Mapping[str, object], before: Mapping[str, object]) -> list[str]:
    names = sorted(after.keys() | before.keys())
    return [name for name in names if not same_value(after.get(name, MISSING), before.get(name, MISSING))]


def _of_names(picture: Picture) -> list[tuple[UUID, Change]]:
    """Who has got or lost a name of which kind."""
    after = {edge.id: edge for edge in picture.edges}
    changed = []
    for edge_id in {**picture.edges_before, **after}:
        old, new = picture.edges_before.get(edge_id), after.get(edge_id)
        if old is None or new is None or old.customer_id != new.customer_id:
            changed += [(edge.customer_id, ("identity", edge.kind)) for edge in (old, new) if edge is not None]
    return changed
