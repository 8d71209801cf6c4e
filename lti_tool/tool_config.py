"""pylti1p3's view of our rows: which platform, which deployment. Issuers always have many clients here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pylti1p3 import deployment as lti_deployment
from pylti1p3 import registration as lti_registration
from pylti1p3.tool_config.abstract import ToolConfAbstract

from lti_tool.models import Deployment, Registration


class PlatformConfig(ToolConfAbstract[Any]):
    """Finds by (issuer, client id) only: all customers of a hosted LMS share one issuer.

    `known`: tells the registration that the launch's login was for; it is read already, and no other is looked for.
    """

    def __init__(self, known: Callable[[], Registration]) -> None:
        super().__init__()
        self._known = known

    def check_iss_has_one_client(self, iss: str) -> bool:
        return False

    def check_iss_has_many_clients(self, iss: str) -> bool:
        return True

    def find_registration_by_issuer(
        self, iss: str, *args: Any, **kwargs: Any
    ) -> lti_registration.Registration:
        raise LookupError("A registration is found by issuer and client id together.")

    def find_registration_by_params(  # type: ignore[override]  # None, which the library's own callers test for
        self, iss: str, client_id: str, *args: Any, **kwargs: Any
    ) -> lti_registration.Registration | None:
        row = self._known()
        fits = row.active and (row.issuer, row.client_id) == (iss, client_id)
        return _as_library_knows_it(row) if fits else None

    def find_deployment(self, iss: str, deployment_id: str) -> lti_deployment.Deployment | None:
        raise LookupError("A deployment is found by issuer, client id and deployment id together.")

    def find_deployment_by_params(
        self, iss: str, deployment_id: str, client_id: str, *args: Any, **kwargs: Any
    ) -> lti_deployment.Deployment | None:
        known = Deployment.objects.filter(
            registration__issuer=iss,
            registration__client_id=client_id,
            deployment_id=deployment_id,
            active=True,
            registration__active=True,
        ).exists()
        return lti_deployment.Deployment().set_deployment_id(deployment_id) if known else None


def _as_library_knows_it(row: Registration) -> lti_registration.Registration:
    """Without keys: ours sign elsewhere (tokens.py), the platform's are read by platform_keys.py."""
    known = lti_registration.Registration()
    known.set_issuer(row.issuer).set_client_id(row.client_id)
    known.set_auth_login_url(row.auth_login_url).set_auth_token_url(row.auth_token_url)
    return known.set_key_set_url(row.key_set_url)
