"""Words are taken out of texts once, so that a search finds the same on every database."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.fulltext import MAX_WORD, search_query, searchable, words_of


def test_words_are_folded_and_stand_alone() -> None:
    said = "Où est Größe_42? mail: Ann.O'Neil@example.com, well-known 3.14 — 你好 世界 ½"
    assert words_of(said) == [
        *("ou", "est", "grosse", "42", "mail", "ann", "o", "neil", "example", "com", "well", "known", "3", "14"),
        *("你", "好", "世", "界", "1", "2"),
    ]
    assert searchable("b a", "A c") == "b a c"
    assert words_of("ß" * 100) == ["s" * MAX_WORD]


def test_a_search_asks_for_every_word_as_a_beginning() -> None:
    assert search_query("Größe 4", on_postgres=True) == "'grosse':* & '4':*"
    assert search_query("Größe 4", on_postgres=False) == '"grosse"* "4"*'
    assert search_query('\'; DROP "x" OR a* :& b', on_postgres=False) == '"drop"* "x"* "or"* "a"* "b"*'
    assert search_query(" ?! ", on_postgres=True) is None


@given(st.text())
def test_what_is_stored_is_words_that_mean_nothing_to_a_database(text: str) -> None:
    stored = searchable(text)
    words = stored.split(" ") if stored else []
    assert len(set(words)) == len(words)
    for word in words:
        assert 1 <= len(word) <= MAX_WORD
        assert word.isalnum()
        assert words_of(word) == [word]


@given(st.text(), st.text())
def test_a_text_is_found_by_the_beginning_of_each_of_its_words(text: str, other: str) -> None:
    words = words_of(f"{text} {other}")
    for word in words_of(text):
        for length in range(1, len(word) + 1):
            assert any(one.startswith(word[:length]) for one in words)
