"""Who is who: the rules of identity, decided over a picture in memory. No input or output happens here.

One value names one person. Of the names in one call the strongest one known finds the person (a customer's own id, then
external id, e-mail, phone, anonymous id). The others are added to that person, unless

* one of them belongs to another person we know: that is a conflict, reported and never guessed;
* it belongs to an anonymous customer who has no name but browsers': that one is absorbed by a recorded merge;
* it is stronger than the name that found the person, who already has another of its kind: a conflict too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.actions.customers.facts import ANONYMOUS_ID, MAX_ATTRIBUTES, NAME_KINDS, CustomerFacts, Identified, Name
from app.actions.customers.picture import Edge, Person, Picture, Said
from app.core.documents import same_value
from app.core.errors import IdentityConflict, Invalid, Issue, NotFound, RapportError
from app.core.ids import new_id


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a change is made and through which door."""

    now: datetime
    source: str


def identify_all(
    picture: Picture, items: Sequence[CustomerFacts | RapportError], stamp: Stamp
) -> list[Identified | RapportError]:
    """Applies each item to the picture in order, or gives its refusal; what is refused leaves the picture as it was."""
    results: list[Identified | RapportError] = []
    for facts in items:
        if isinstance(facts, RapportError):
            results.append(facts)
            continue
        try:
            results.append(identify_one(picture, facts, stamp))
        except RapportError as refusal:
            results.append(refusal)
    return results


def identify_one(picture: Picture, facts: CustomerFacts, stamp: Stamp, change: str = "updated") -> Identified:
    """Applies normalised facts to the picture. Raises :class:`IdentityConflict`, :class:`NotFound` or :class:`Invalid`
    before anything is changed. ``change`` is what subscribers are told of a customer who was known."""
    person, anchor, absorbed = _find(picture, facts)
    _check_room(facts, person, absorbed)
    created = person is None
    if person is None:
        person = new_person(picture, stamp, facts.created_at)
    if absorbed is not None:
        picture.merge(person, absorbed, new_id(), stamp.now)
    browser = facts.anonymous_id
    joins = browser is not None and picture.edge((ANONYMOUS_ID, browser)) is None
    changed = _give_names(picture, person, facts, anchor, stamp)
    heard = person.consents
    changed |= _describe(person, facts, stamp)
    picture.tell_consents(person, heard)
    if created:
        picture.tell(person.id, "identified")
    elif changed:
        person.updated_at = stamp.now
        picture.tell(person.id, change)
    if browser is not None and joins:
        picture.grant(browser, person.id)
    return Identified(person.id, created, created or changed or absorbed is not None)


def new_person(picture: Picture, stamp: Stamp, created_at: datetime | None = None) -> Person:
    """A customer of whom nothing is known yet."""
    person = Person(id=new_id(), created_at=created_at or stamp.now, updated_at=stamp.now)
    picture.people[person.id] = person
    return person


def add_name(picture: Picture, person: Person, name: Name, stamp: Stamp) -> None:
    """Gives ``person`` a name that nobody has. It replaces their primary one of that kind, if it has such."""
    kind, value = name
    former = picture.primary(person.id, kind)
    if former is not None:
        picture.remove(former)
    picture.add(Edge(new_id(), person.id, kind, value, kind != ANONYMOUS_ID, stamp.source, stamp.now))


def _find(picture: Picture, facts: CustomerFacts) -> tuple[Person | None, str, Person | None]:
    """The person whom the facts are about, by which kind of name they were found, and whom they absorb."""
    found = {kind: picture.holder((kind, value)) for kind, value in facts.names.items()}
    if facts.customer_id is not None:
        if not picture.is_active(facts.customer_id):
            raise NotFound("customer", "customer_id")
        target, anchor = picture.people[facts.customer_id], "id"
    else:
        holders = [(kind, person) for kind, person in found.items() if person is not None]
        if not holders:
            return None, "", None
        known = [(kind, person) for kind, person in holders if not picture.is_nameless(person.id)]
        anchor, target = (known or holders)[0]
    others = {kind: person for kind, person in found.items() if person is not None and person is not target}
    strangers = [kind for kind, person in others.items() if not picture.is_nameless(person.id)]
    if strangers:
        raise identity_conflict(strangers)
    _refuse_stronger_names(picture, target, anchor, facts)
    return target, anchor, next(iter(others.values()), None)


def _refuse_stronger_names(picture: Picture, person: Person, anchor: str, facts: CustomerFacts) -> None:
    if anchor == "id":
        return
    stronger = NAME_KINDS[: NAME_KINDS.index(anchor)]
    differing = [kind for kind in stronger if kind in facts.names and picture.primary(person.id, kind) is not None]
    if differing:
        raise identity_conflict(differing)


def identity_conflict(fields: Sequence[str]) -> IdentityConflict:
    """The refusal that names every field whose name belongs to somebody else."""
    conflict = IdentityConflict("The given names belong to different customers; nothing was changed.", fields[0])
    conflict.issues = tuple(Issue(field, "belongs to another customer than the other names") for field in fields)
    return conflict


def _check_room(facts: CustomerFacts, person: Person | None, absorbed: Person | None) -> None:
    before = set(person.attributes) if person else set()
    after = before | set(absorbed.attributes if absorbed else ())
    after = (after | facts.attributes.keys()) - {name for name, value in facts.attributes.items() if value is None}
    if len(after) > MAX_ATTRIBUTES and len(after) > len(before):
        raise Invalid.at("attributes", f"a customer has at most {MAX_ATTRIBUTES} attributes")


def _give_names(picture: Picture, person: Person, facts: CustomerFacts, anchor: str, stamp: Stamp) -> bool:
    changed = False
    for kind, value in facts.names.items():
        edge = picture.edge((kind, value))
        if edge is None:
            add_name(picture, person, (kind, value), stamp)
            changed = True
        elif kind not in (anchor, ANONYMOUS_ID) and not edge.is_primary:
            picture.make_primary(edge)
            changed = True
    return changed


def _describe(person: Person, facts: CustomerFacts, stamp: Stamp) -> bool:
    """Takes over what the facts say beside names. Returns whether anything is different."""
    before = (person.timezone, person.locale, person.created_at, person.consents)
    attributes = {
        name: value for name, value in person.attributes.items() if facts.attributes.get(name, value) is not None
    }
    attributes.update((name, value) for name, value in facts.attributes.items() if value is not None)
    described = not same_value(attributes, person.attributes)
    if described:
        person.attributes = attributes
    person.timezone = facts.timezone or person.timezone
    person.locale = facts.locale or person.locale
    person.created_at = facts.created_at or person.created_at
    for channel, status in facts.consents.items():
        person.consent_to(channel, Said(status, stamp.source, stamp.now))
    return described or before != (person.timezone, person.locale, person.created_at, person.consents)
