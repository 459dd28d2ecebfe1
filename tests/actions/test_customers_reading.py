"""Finding, getting and listing customers."""

from dataclasses import replace

import pytest

from app.actions.customers import CustomerRef, find_customer, get_customer, list_customers
from app.core.access import Scope
from app.core.errors import Forbidden, Invalid, NotFound
from tests.actions.people import People, anon, by_id, ext


async def test_a_customer_is_found_by_any_name_in_any_spelling(people: People) -> None:
    one = await people.identify(external_id="u1", email="a@example.com", phone="+14155552671", anonymous_id="b1")
    for ref in (
        by_id(one.customer_id),
        ext("u1"),
        CustomerRef("email", "A@Example.COM"),
        CustomerRef("phone", "+1 415-555-2671"),
        anon("b1"),
    ):
        assert await people.read(find_customer, ref) == one.customer_id
        assert (await people.read(get_customer, ref)).external_id == "u1"
    for ref in (ext("U1"), CustomerRef("id", "not-a-uuid"), anon("b2")):
        with pytest.raises(NotFound):
            await people.read(find_customer, ref)
    with pytest.raises(Invalid):
        await people.read(find_customer, CustomerRef("nickname", "u1"))


async def test_lists_are_newest_first_and_paged(people: People) -> None:
    for n in range(5):
        await people.identify(external_id=f"u{n}")
    page = await people.read(list_customers, offset=1, limit=2)
    assert [view.external_id for view in page.items] == ["u3", "u2"]
    assert page.total == 5
    assert (await people.read(list_customers, offset=9, limit=2)).items == []
    for window in ({"offset": -1, "limit": 1}, {"offset": 0, "limit": 0}, {"offset": 0, "limit": 1001}):
        with pytest.raises(Invalid):
            await people.read(list_customers, **window)


async def test_lists_are_filtered_by_names_and_status(people: People, strangers: People) -> None:
    await people.identify(external_id="u_1", email="ada@example.com")
    await people.identify(external_id="ux1", email="bob@example.com")
    await people.merge(ext("u_1"), ext("ux1"))
    await people.identify(external_id="zoe", email="zoe@example.com")
    await strangers.identify(external_id="ada", email="ada@example.com")

    async def found(**filters: str) -> list[str | None]:
        page = await people.read(list_customers, offset=0, limit=10, **filters)
        assert page.total == len(page.items)
        return [view.external_id for view in page.items]

    assert await found() == ["zoe", "u_1"]
    assert await found(search="ADA") == ["u_1"]
    assert await found(search="u_") == ["u_1"]
    assert await found(search="%") == []
    assert await found(email="Bob@example.com") == ["u_1"]
    assert await found(email="zoe@example.com", external_id="u_1") == []
    assert await found(external_id="zoe") == ["zoe"]
    assert await found(status="merged") == [None]
    with pytest.raises(Invalid):
        await found(status="deleted")


async def test_reading_asks_for_its_scope(people: People) -> None:
    weak = People(people.units, replace(people.principal, scopes=frozenset({Scope.CUSTOMERS_WRITE})))
    for query, arguments in ((find_customer, (ext("u1"),)), (get_customer, (ext("u1"),))):
        with pytest.raises(Forbidden):
            await weak.read(query, *arguments)
    with pytest.raises(Forbidden):
        await weak.read(list_customers, offset=0, limit=1)
