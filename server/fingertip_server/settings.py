"""What an operator sets: parsed once, every fault listed at once."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsRefused(Exception):
    """Some settings are wrong; the message lists all of them."""


class Settings(BaseSettings):
    """Environment variables, with the prefix FINGERTIP_ but for DATABASE_URL.

    Secrets are read from files, never from the environment.
    """

    model_config = SettingsConfigDict(
        env_prefix="FINGERTIP_", frozen=True, extra="ignore", validate_by_name=True
    )

    database_url: str = Field(
        validation_alias="DATABASE_URL",
        description="PostgreSQL 15 to 18 as the application's role: postgresql+asyncpg://…",
    )
    key_ring: Path = Field(description="The key-ring file, mode 0600.")
    authority: Path = Field(
        description="The file of the authority that signs for customers and the bank, mode 0600."
    )
    tsa_url: str = Field(
        default="",
        description="The bank's time-stamp authority (RFC 3161); empty stamps by the file's key.",
    )
    tsa_anchors: Path | None = Field(
        default=None, description="Certificates in PEM that its time-stamps are trusted by."
    )
    tsa_seconds_max: float = Field(default=5.0, ge=0.1, le=30.0)
    listen: str = Field(
        default="127.0.0.1:50051", description="HOST:PORT; port 0 takes a free one."
    )
    production: bool = Field(
        default=True, description="Switches server reflection off and the test clock out."
    )
    connections_max: int = Field(default=10, ge=2, le=200)
    calls_max: int = Field(
        default=256, ge=1, le=10_000, description="Unary calls under way at once."
    )
    streams_max: int = Field(default=2_000, ge=1, le=100_000)
    drain_seconds: float = Field(default=8.0, ge=0.0, le=9.5)
    heartbeat_seconds: float = Field(default=10.0, ge=0.05, le=60.0)
    stream_seconds_max: float = Field(default=1_800.0, ge=1.0, le=86_400.0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    trace_file: Path | None = Field(
        default=None, description="Writes spans to this file, as JSON lines of OTLP."
    )
    trace_sample_ratio: float = Field(default=1.0, ge=0.0, le=1.0)

    @field_validator("database_url")
    @classmethod
    def _asyncpg(cls, url: str) -> str:
        return asyncpg_url(url)

    @field_validator("tsa_url")
    @classmethod
    def _http(cls, url: str) -> str:
        if url and not (url.startswith(("http://", "https://")) and urlsplit(url).hostname):
            raise ValueError("must start with https:// or http:// and name a host")
        return url

    @model_validator(mode="after")
    def _tsa_is_trusted_by_something(self) -> Self:
        if bool(self.tsa_url) != (self.tsa_anchors is not None):
            raise ValueError("FINGERTIP_TSA_URL and FINGERTIP_TSA_ANCHORS go together")
        return self

    @field_validator("listen")
    @classmethod
    def _address(cls, listen: str) -> str:
        host, _, port = listen.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004 - TCP's limit
            raise ValueError("must be HOST:PORT, for example 127.0.0.1:50051")
        return listen


def asyncpg_url(url: str) -> str:
    """Returns a database's URL with the driver's name. Raises ValueError for any other URL."""
    scheme, _, rest = url.partition("://")
    if scheme in {"postgres", "postgresql"}:
        return f"postgresql+asyncpg://{rest}"
    if scheme != "postgresql+asyncpg":
        raise ValueError("must start with postgresql:// or postgresql+asyncpg://")
    return url


def owner_url(url: str) -> str:
    """Returns the URL by which the schema's owner connects. Raises SettingsRefused."""
    try:
        return asyncpg_url(url)
    except ValueError as error:
        raise SettingsRefused(f"OWNER_DATABASE_URL {error}.") from None


def load(**overrides: object) -> Settings:
    """Returns the settings of the environment. Raises SettingsRefused with every fault."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type] # pydantic checks them
    except ValidationError as refused:
        faults = [
            f"- {_variable(e['loc'])}: {e['msg']}" if e["loc"] else f"- {e['msg']}"
            for e in refused.errors()
        ]
        raise SettingsRefused("These settings are wrong:\n" + "\n".join(faults)) from None


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]).upper()
    return name if name == "DATABASE_URL" else f"FINGERTIP_{name}"
