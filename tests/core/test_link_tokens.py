"""The tokens in the links of messages: read as they were made, short, and worthless when anything was changed."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.ids import new_id
from app.core.link_tokens import LinkAddresses, LinkToken, LinkTokens

TENANT, DELIVERY = new_id(), new_id()
TOKENS = LinkTokens("a secret of at least thirty-two characters")


@given(st.uuids(), st.uuids(), st.integers(0, 2**32 - 1), st.none() | st.text(min_size=1, max_size=200))
def test_a_token_says_what_it_was_made_of(tenant_id: UUID, delivery_id: UUID, number: int, url: str | None) -> None:
    assert TOKENS.read(TOKENS.open(tenant_id, delivery_id)) == LinkToken("open", tenant_id, delivery_id)
    assert TOKENS.read(TOKENS.preferences(tenant_id, delivery_id)) == LinkToken("preferences", tenant_id, delivery_id)
    click = TOKENS.click(tenant_id, delivery_id, number, url)
    assert TOKENS.read(click) == LinkToken("click", tenant_id, delivery_id, number, url)


def test_tokens_are_short_and_need_no_escaping() -> None:
    assert len(TOKENS.open(TENANT, DELIVERY)) == 66
    assert len(TOKENS.click(TENANT, DELIVERY, 12)) == 71
    assert (
        LinkAddresses("https://go.example.com", TOKENS).click(TENANT, DELIVERY, 1, "https://a.example/?q=ü").isascii()
    )


def test_a_token_that_was_changed_anywhere_is_refused() -> None:
    token = TOKENS.click(TENANT, DELIVERY, 3, "https://shop.example")
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(Invalid):
            TOKENS.read(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("token", ["", "x", "ä" * 66, "A" * 66, "A" * 10_000, "=" * 66, "\x00" * 66])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Invalid, match="is not one of this server's links"):
        TOKENS.read(token)


def test_another_secrets_tokens_are_refused() -> None:
    with pytest.raises(Invalid):
        LinkTokens("another secret of thirty-two characters").read(TOKENS.open(TENANT, DELIVERY))


def test_links_that_were_sent_under_a_former_secret_go_on_working() -> None:
    former, other = ("a former secret of thirty-two characters", "another secret of thirty-two characters")
    token = LinkTokens(former).preferences(TENANT, DELIVERY)
    assert LinkTokens(other, former).read(token) == LinkToken("preferences", TENANT, DELIVERY)
