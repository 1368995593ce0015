"""The cities' policies while calls go on: a changed table is taken over, a broken one is not, and the old one stays."""

import structlog

from data.policy import FOLLOWED, Policies
from data.tables import DataError
from serving import metrics
from serving.settings import Settings

log = structlog.get_logger()


class PolicyFiles:
    """The tables in the folder that `settings` name. `problem` says why what lies there is not in force, if it is not.

    Raises (when made):
        DataError: a table is broken.
    """

    def __init__(self, settings: Settings, followed: Policies = FOLLOWED) -> None:
        self.problem = ""
        self._followed = followed
        followed.read_from(settings.policies)

    def look(self) -> None:
        """Takes over what has changed; keeps what is in force when that is broken."""
        try:
            if not self._followed.refresh():
                return
        except DataError as error:
            self.problem = f"policy: {error}"
            metrics.policy_refused.set(1)
            log.error("policy_refused", why=str(error))
            return
        self.problem = ""
        metrics.policy_refused.set(0)
        log.info("policy_serves", versions=[policy.version for policy in self._followed.in_force().values()])
