"""The texts of the mails about accounts."""

from app.channels.outbox import Mail


def verification(base_url: str, recipient: str, token: str) -> Mail:
    """Asks the owner of a new account to show that the address is theirs."""
    return Mail(
        "verify",
        recipient,
        "Please confirm your e-mail address",
        "Welcome to Rapport.\n\n"
        "Please confirm that this address is yours by opening this link:\n\n"
        f"{base_url}/console/#/verify?token={token}\n\n"
        "If you did not register, ignore this message.\n",
    )


def password_reset(base_url: str, recipient: str, token: str, minutes: int) -> Mail:
    """Lets somebody who forgot their password choose another."""
    return Mail(
        "reset",
        recipient,
        "Choose a new password",
        "Somebody, probably you, asked for a new password for this address.\n\n"
        f"Choose it here within {minutes} minutes; the link works once:\n\n"
        f"{base_url}/console/#/reset?token={token}\n\n"
        "If it was not you, ignore this message: your password stays as it is.\n",
    )


def invitation(base_url: str, recipient: str, token: str, tenant_name: str, role: str) -> Mail:
    """Invites somebody into a tenant."""
    return Mail(
        "invite",
        recipient,
        f"You are invited to {tenant_name}",
        f"You are invited to join {tenant_name} on Rapport as {role}.\n\n"
        "Accept the invitation here; the link works once:\n\n"
        f"{base_url}/console/#/invitation?token={token}\n\n"
        "If you do not know who sent this, ignore this message.\n",
    )
