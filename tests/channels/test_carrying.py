"""What a provider says is kept as far as it can be: it may say anything."""

from app.channels import Outcome
from app.channels.mail.dkim import Signer
from app.channels.mail.session import Server
from app.channels.push.apns import ApnsApp
from app.channels.sms.telnyx import TelnyxAccount
from app.channels.sms.twilio import TwilioAccount
from app.channels.webhook import WebhookSettings


def test_what_cannot_be_stored_is_left_out_of_an_outcome() -> None:
    rejected = Outcome.rejected("5\x0050" + "x" * 500, "no\x00body \ud800there" + "x" * 5000)
    assert (rejected.code[:3], len(rejected.code)) == ("550", 99)
    assert (rejected.detail[:13], len(rejected.detail)) == ("nobody ?there", 999)
    assert Outcome.accepted("SM1").message_id == "SM1"
    assert [Outcome.accepted(name).message_id for name in ("x" * 301, "a\x00b", "", None)] == [None] * 4


def test_secrets_are_in_no_representation() -> None:
    secret = "hunter2"
    held = [
        Server("relay.example", 25, "none", "shop", secret),
        Signer("shop.example", "s1", secret),
        TwilioAccount("AC1", secret, "+1"),
        TelnyxAccount(secret, "+1"),
        ApnsApp("TEAM", "KEY", secret, "com.shop.app"),
        WebhookSettings(secret),
    ]
    assert [one for one in held if secret in repr(one)] == []
