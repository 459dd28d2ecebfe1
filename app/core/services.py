"""What actions use besides the database: the settings, password hashes, tokens, limits, where
files are stored, and who was just recognised."""

from dataclasses import dataclass, field

from app.core.credentials import Recognised
from app.core.limits import Limiter
from app.core.passwords import Passwords
from app.core.settings import Settings
from app.core.storage import Storage
from app.core.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Services:
    """One set per process, shared by all units of work. Close it when the process ends."""

    settings: Settings
    passwords: Passwords
    tokens: Tokens
    limiter: Limiter
    storage: Storage
    recognised: Recognised = field(default_factory=Recognised)

    @classmethod
    def of(cls, settings: Settings) -> "Services":
        """The services that ``settings`` describe."""
        return cls(settings, Passwords(), Tokens(settings), Limiter(settings), Storage.of(settings))

    def close(self) -> None:
        """Ends the threads in which passwords are hashed."""
        self.passwords.close()
