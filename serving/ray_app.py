"""The same service as several replicas behind Ray Serve: `serve run serving.ray_app:application replicas=2`."""

from typing import Any

from fastapi import FastAPI

from serving.app import create_app
from serving.keys import KeyRing
from serving.logs import configure
from serving.settings import Settings

NAME = "yidiantong"
MOST_ONGOING = 1_000  # requests and live calls of a replica; the service itself refuses those that would wait


def checked(settings: Settings) -> Settings:
    """`settings`, if replicas can share them.

    Raises:
        ValueError: calls would be kept in a file of one machine, or there are no keys yet.
    """
    if not settings.database_url.startswith("postgresql"):
        raise ValueError("setting YIDIANTONG_DATABASE_URL: replicas keep calls in PostgreSQL (postgresql://…)")
    if not KeyRing(settings.state_dir / "keys.json").all():
        raise ValueError(
            f"setting YIDIANTONG_STATE_DIR: no keys in {settings.state_dir}; make them first (keys create)"
        )
    return settings


def service() -> FastAPI:
    """The service of one replica, for the settings of its machine's environment."""
    settings = checked(Settings())
    configure(settings.log_level)
    return create_app(settings)


def application(arguments: dict[str, Any]) -> Any:
    """The deployment; `replicas` (2 unless told otherwise) and `cores` of each (1) are its arguments.

    Raises:
        ValueError: as `checked`, for this machine's settings.
    """
    from ray import serve

    checked(Settings())
    deployment = serve.deployment(
        serve.ingress(service)(),
        name=NAME,
        num_replicas=int(arguments.get("replicas", 2)),
        max_ongoing_requests=MOST_ONGOING,
        ray_actor_options={"num_cpus": float(arguments.get("cores", 1))},
        health_check_period_s=2,
        health_check_timeout_s=5,
    )
    return deployment.bind()
