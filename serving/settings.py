"""One place for every setting; each is an environment variable `YIDIANTONG_<NAME>`."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from data.policy import DEFAULT_CITY, POLICY_DIR
from model.registry import Registry
from model.release import BUNDLED
from model.remote import registry_at
from serving.figures.periods import window

LIVE_A_CORE = 128  # live calls; the slowest core of docs/reliability.md carried 168


class Settings(BaseSettings):
    """What can be set. `threads` 0 lets onnxruntime use every core for one call; `concurrency` 0 is half the cores,
    `live_calls` 0 is `LIVE_A_CORE` for each."""

    model_config = SettingsConfigDict(env_prefix="YIDIANTONG_", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8110
    state_dir: Path = Path("var")
    release: Path = BUNDLED
    releases: str = ""
    release_poll_seconds: Annotated[float, Field(gt=0, le=3_600)] = 5
    policies: Path = POLICY_DIR
    shadow_share: Annotated[float, Field(ge=0, le=1)] = 0
    city: str = DEFAULT_CITY
    threads: Annotated[int, Field(ge=0, le=256)] = 1
    concurrency: Annotated[int, Field(ge=0, le=64)] = 0
    queue_seconds: Annotated[float, Field(gt=0, le=60)] = 0.5
    glance_seconds: Annotated[float, Field(gt=0, le=60)] = 0.05
    database_url: str = ""
    reviewers: Annotated[int, Field(ge=1, le=2)] = 1
    audit_rate: Annotated[float, Field(ge=0, le=1)] = 0.02
    keep_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    drift_reference: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    live_calls: Annotated[int, Field(ge=0, le=10_000)] = 0
    live_idle_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300
    live_resume_seconds: Annotated[float, Field(ge=0, le=86_400)] = 120
    wall_viewers: Annotated[int, Field(ge=0, le=1_000)] = 16

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if url and not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("begins with sqlite:/// or postgresql://")
        return url

    @field_validator("drift_reference")
    @classmethod
    def _known_window(cls, text: str) -> str:
        if text:
            window(text)
        return text

    @field_validator("releases")
    @classmethod
    def _openable(cls, place: str) -> str:
        registry_at(place, Path())
        return place

    @property
    def registry(self) -> Registry:
        """The registry: `releases`, a folder or a URL, or else a folder in `state_dir`.

        Raises:
            RegistryError: no such kind of URL, or what reads it is not installed.
        """
        return registry_at(self.releases or str(self.state_dir / "releases"), self.state_dir / "fetched")

    @property
    def places(self) -> int:
        """How many calls are read at a time: `concurrency`, or half the cores: the others answer at once."""
        return self.concurrency or max(1, cores() // 2)

    @property
    def lines(self) -> int:
        """How many live calls are on line at a time."""
        return self.live_calls or LIVE_A_CORE * cores()

    @property
    def store_url(self) -> str:
        """Where calls are kept: `database_url`, or a SQLite file in `state_dir`."""
        return self.database_url or f"sqlite:///{self.state_dir.absolute()}/calls.db"


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
