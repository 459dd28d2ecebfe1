"""Secrets at rest: unreadable, bound to what they belong to, and readable after the secret was changed."""

import pytest

from app.core.sealing import Unsealable, is_current, seal, unseal
from app.core.settings import Settings

FIRST = "the first secret, which has 32 letters"
SECOND = "the second secret, which has 32 letters"


def test_a_sealed_text_hides_what_it_holds_and_is_another_each_time() -> None:
    settings = Settings(secret=FIRST)
    sealed = seal(settings, '{"password": "hunter2 ä"}', about="int_1")
    assert "hunter2" not in sealed and sealed != seal(settings, '{"password": "hunter2 ä"}', about="int_1")
    assert unseal(settings, sealed, about="int_1") == '{"password": "hunter2 ä"}'


def test_a_sealed_text_that_was_changed_or_moved_is_refused() -> None:
    settings = Settings(secret=FIRST)
    sealed = seal(settings, "secret", about="int_1")
    changed = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]
    for text, about in [(sealed, "int_2"), (changed, "int_1"), (sealed[:30], "int_1"), ("", "int_1"), ("v2.x.y", "")]:
        with pytest.raises(Unsealable):
            unseal(settings, text, about=about)


def test_after_the_secret_was_changed_the_former_one_still_opens() -> None:
    sealed = seal(Settings(secret=FIRST), "secret")
    rotated = Settings(secret=SECOND, former_secrets=[FIRST])
    assert unseal(rotated, sealed) == "secret"
    assert (is_current(rotated, sealed), is_current(rotated, seal(rotated, "secret"))) == (False, True)
    with pytest.raises(Unsealable, match="RAPPORT_FORMER_SECRETS"):
        unseal(Settings(secret=SECOND), sealed)
