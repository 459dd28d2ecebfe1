"""The one reader of the environment. Every setting is ``RAPPORT_`` and its name in capitals."""

import secrets
from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may choose. The README's table is made from these descriptions."""

    model_config = SettingsConfigDict(env_prefix="RAPPORT_", extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, description="Port to listen on.")
    data_dir: Path = Field(Path("var"), description="Where the embedded database, files and the generated secret live.")
    database_url: str = Field(
        "", description="`postgresql://user@host/name`, or empty for SQLite (`rapport.db` in the data directory)."
    )
    redis_url: str = Field(
        "", description="`redis://host:port/n` for pub/sub, jobs and limits; empty: in this process."
    )
    public_url: str = Field(
        "", description="How browsers reach this server; used in mailed links and the origin check."
    )
    secret: str = Field(
        "", description="Signs access tokens, 32+ characters; empty: generated into the data directory."
    )
    former_secrets: list[str] = Field(
        [], description="JSON list of earlier secrets: what was encrypted under them can still be read."
    )
    demo: bool = Field(True, description="Create the demo tenant when the database is empty (embedded database only).")

    access_token_minutes: int = Field(15, description="Life of an access token.")
    refresh_token_days: int = Field(30, description="Life of a refresh token; it rotates with each use.")
    email_token_minutes: int = Field(60, description="Life of a mailed reset token; others live 48 times as long.")

    sqlite_synchronous: str = Field("FULL", pattern="^(FULL|NORMAL)$", description="SQLite's durability on power loss.")
    readers: int = Field(4, ge=1, description="SQLite: read connections. Postgres: connections of the graph's planner.")
    pool_size: int = Field(10, ge=1, description="Postgres: connections of the units of work.")

    allowed_origins: list[str] = Field([], description="JSON list of browser origins besides our own that may connect.")
    egress_addresses: list[str] = Field(
        [], description="JSON list of the IP addresses from which this server calls others, as clients are told them."
    )
    allowed_private_hosts: list[str] = Field(
        [],
        description="JSON list of hosts, addresses or networks that are not public, to which outgoing requests and mail"
        ' may go all the same, as ["127.0.0.1", "relay.internal"].',
    )
    dns_servers: list[str] = Field(
        [],
        description="JSON list of name servers that are asked about domains, as"
        ' ["9.9.9.9", "127.0.0.1:5353"]; empty: those of the system.',
    )
    door_hosts: dict[str, str] = Field(
        {}, description='JSON object from host name to dialect, as {"track.example.com": "customerio"}.'
    )
    trusted_documents: Path | None = Field(
        None, description="JSON object from SHA-256 to GraphQL document; when set, no other document is answered."
    )
    graphiql: bool = Field(True, description="Serve GraphiQL to browsers at /graphql.")
    max_cost: int = Field(20000, description="Estimated rows that one GraphQL operation may read.")
    max_depth: int = Field(15, description="Nesting of one GraphQL operation.")
    rate_limits: bool = Field(True, description="Enforce the plan's requests a minute.")
    sockets_per_caller: int = Field(1000, description="Open subscription connections per API key or member.")
    feed_days: int = Field(7, description="How long subscriptions can be resumed.")
    in_process_jobs: bool = Field(True, description="Run jobs inside the web process too (always so without Redis).")
    render_processes: int = Field(
        1,
        ge=0,
        le=1,
        description="1: large batches of messages are rendered in a process of their own; 0: in a thread.",
    )
    send_lease_s: int = Field(
        60, ge=6, description="Seconds after which messages in the hands of a worker that is gone are taken up."
    )
    log_format: str = Field("console", pattern="^(console|json)$", description="console or json.")
    log_level: str = Field("info", description="debug, info, warning or error.")

    s3_bucket: str = Field(
        "", description="Bucket for files, if several machines serve them; empty: `files` in the data directory."
    )
    s3_endpoint: str = Field("", description="URL of an S3-compatible server; empty: Amazon's.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_prefix: str = Field("", description="Folder in the bucket.")
    s3_access_key_id: str = Field("", description="Key id for the bucket; empty: the machine's own role.")
    s3_secret_access_key: str = Field("", description="Secret of the key.")
    s3_virtual_hosts: bool = Field(False, description="Address the bucket as a host name instead of a path.")

    oidc_issuer: str = Field("", description="OpenID Connect issuer for sign-in to the console; empty: off.")
    oidc_client_id: str = Field("", description="Our client id at the issuer.")
    oidc_client_secret: str = Field("", description="Our client secret at the issuer.")

    @property
    def sqlite_path(self) -> Path:
        return self.data_dir / "rapport.db"

    @property
    def embedded(self) -> bool:
        """Whether the database is the embedded one."""
        return not self.database_url

    @cached_property
    def signing_secret(self) -> str:
        """The configured secret, or one made once and kept in ``data_dir/secret`` (mode 600)."""
        if self.secret:
            return self.secret
        path = self.data_dir / "secret"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(48))
        return path.read_text().strip()

    @property
    def base_url(self) -> str:
        """Where people find this server, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")
