"""Who opened a message, or followed a link: the verdicts with their reasons, and what touches add up to."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.ids import new_id
from app.engagement import Sighting, Touch, judge, many_at_once, tally

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
AHEAD = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/42.0 Safari/537.36 Edge/12.246 Mozilla/5.0"
OPEN = Sighting("open", CHROME, "203.0.113.7", since_sent_s=600)
CLICK = replace(OPEN, kind="click")
AT = datetime(2026, 3, 1, 10, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seen", "verdict", "reasons"),
    [
        (OPEN, "human", ("browser",)),
        (CLICK, "human", ("browser",)),
        (replace(CLICK, since_sent_s=2.9), "scanner", ("sooner_than_read",)),
        (replace(CLICK, since_sent_s=None), "scanner", ("sooner_than_read",)),
        (replace(CLICK, method="HEAD"), "scanner", ("head_request",)),
        (replace(CLICK, is_trap=True), "scanner", ("invisible_link",)),
        (replace(CLICK, is_ahead=True), "scanner", ("fetched_ahead",)),
        (replace(CLICK, user_agent="python-requests/2.32"), "scanner", ("program",)),
        (replace(CLICK, user_agent="Mozilla/5.0 (compatible; bingbot/2.0)"), "scanner", ("program",)),
        (replace(CLICK, address="104.47.1.2"), "scanner", ("security_network",)),
        (replace(CLICK, address="::ffff:104.47.1.2"), "scanner", ("security_network",)),
        (replace(CLICK, user_agent="curl/8", method="HEAD"), "scanner", ("head_request", "program")),
        (replace(CLICK, user_agent=""), "unknown", ("no_user_agent",)),
        (replace(CLICK, user_agent="Outlook 16"), "unknown", ("unfamiliar_user_agent",)),
        (replace(CLICK, address="52.101.9.9"), "scanner", ("security_network",)),
        (replace(CLICK, address="2a01:111:f403:c10c::1"), "scanner", ("security_network",)),
        (replace(OPEN, user_agent="MacOutlook/16.78 (Intel Mac OS X 13.5)"), "human", ("browser",)),
        (replace(OPEN, user_agent="Microsoft Office/16.0 (Windows NT 10.0; Pro)"), "human", ("browser",)),
        (replace(OPEN, user_agent="Dalvik/2.1.0 (Linux; U; Android 14)"), "human", ("browser",)),
        (replace(CLICK, user_agent="Dalvik/2.1.0 (Linux; U; Android 14)"), "unknown", ("unfamiliar_user_agent",)),
        (replace(CLICK, user_agent="Opera/9.80 (Windows NT 6.1)"), "human", ("browser",)),
        (replace(OPEN, user_agent="Mozilla/5.0"), "proxy", ("apple_privacy_proxy",)),
        (replace(OPEN, user_agent="Mozilla/5.0", since_sent_s=1), "proxy", ("apple_privacy_proxy",)),
        (replace(OPEN, address="17.58.1.1"), "proxy", ("apple_privacy_proxy",)),
        (replace(OPEN, user_agent=AHEAD), "proxy", ("gmail_ahead",)),
        (replace(OPEN, user_agent=GMAIL), "human", ("image_proxy_on_view",)),
        (replace(OPEN, user_agent=GMAIL, since_sent_s=1), "proxy", ("image_proxy_ahead",)),
        (Sighting("click", "curl/8", is_reported=True), "human", ("reported_by_app",)),
    ],
)
def test_verdicts_have_reasons(seen: Sighting, verdict: str, reasons: tuple[str, ...]) -> None:
    judged = judge(seen)
    assert (judged.verdict, judged.reasons) == (verdict, reasons)


def click(after_s: float, url: str, **values: object) -> Touch:
    return replace(Touch(new_id(), "click", AT + timedelta(seconds=after_s), "human", url=url), **values)  # type: ignore[arg-type]


def test_nobody_follows_two_links_within_a_second_or_three_within_ten() -> None:
    calm = [click(0, "a"), click(2, "b"), click(11, "c"), click(11.5, "c"), click(60, "a")]
    assert many_at_once(calm) == set()
    burst = [click(100, "a"), click(100.9, "b")]
    slow = [click(200, "a"), click(205, "b"), click(209, "c"), click(230, "d")]
    assert many_at_once([*calm, *burst, *slow]) == {one.id for one in (*burst, *slow[:3])}


def test_counts_are_of_each_and_of_the_first() -> None:
    link, other = new_id(), new_id()
    touches = [
        Touch(new_id(), "open", AT, "proxy"),
        Touch(new_id(), "open", AT + timedelta(minutes=1), "human"),
        click(5, "a", link_id=link, verdict="scanner"),
        click(60, "a", link_id=link),
        click(70, "a", link_id=link),
        click(80, "b", link_id=other, verdict="unknown"),
    ]
    found = tally(reversed(touches))
    assert {name: (at - AT).total_seconds() for name, at in found.first.items()} == {
        "opened": 0,
        "human_opened": 60,
        "clicked": 5,
        "human_clicked": 60,
    }
    totals: Counter[tuple[UUID, str]] = Counter()
    for (key, metric, _), count in found.links.items():
        totals[key, metric] += count
    assert totals == {
        (link, "clicked"): 3,
        (link, "clicked_once"): 1,
        (link, "machine_clicked"): 1,
        (link, "human_clicked"): 2,
        (link, "human_clicked_once"): 1,
        (other, "clicked"): 1,
        (other, "clicked_once"): 1,
    }


TOUCHES = st.lists(
    st.builds(
        Touch,
        st.uuids(),
        st.sampled_from(["open", "click"]),
        st.integers(0, 30).map(lambda s: AT + timedelta(seconds=s)),
        st.sampled_from(["human", "scanner", "proxy", "unknown"]),
        st.sampled_from([None, UUID(int=1), UUID(int=2)]),
    ),
    max_size=12,
    unique_by=lambda touch: touch.id,
)


@settings(deadline=None)
@given(TOUCHES, st.randoms())
def test_what_touches_add_up_to_does_not_go_by_their_order(touches: list[Touch], random: object) -> None:
    shuffled = list(touches)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert tally(shuffled) == tally(touches)
    assert many_at_once(shuffled) == many_at_once(touches)
    first = tally(touches).first
    assert first.keys() >= {name.removeprefix("human_") for name in first}
    assert all(first[name] >= first[name.removeprefix("human_")] for name in first)
