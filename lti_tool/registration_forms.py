"""Forms of the administrator: a registration by hand, from a family's presets, and its fields afterwards."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lti_tool import archiving, by_hand
from lti_tool.families import Family
from lti_tool.models import Deployment, Institution, Registration
from lti_tool.origins import origin_of

# as they stand in the models; empty ones are filled in from the family
FILLED = ("issuer", "auth_login_url", "auth_token_url", "key_set_url", "auth_audience")
MAY_BE_EMPTY = {"auth_audience"}
is_url = URLValidator(schemes=["http", "https"])


class ByHandForm(forms.Form):
    """What she types for one family; `save` makes the registration, or brings the archived one back."""

    institution = forms.ModelChoiceField(Institution.objects.none(), label=_("Institution"))
    site = forms.CharField(
        max_length=500,
        required=False,
        label=_("Address of your LMS"),
        help_text=_("As the browser shows it on the front page, such as https://school.example.edu"),
    )
    client_id = forms.CharField(max_length=300, label=_("Client id"), help_text=_("The LMS made it."))
    tool_id = forms.CharField(
        max_length=200,
        required=False,
        label=_("Number or UUID of the tool in the LMS"),
        help_text=_("It stands in the token address that the LMS shows."),
    )
    deployment_id = forms.CharField(
        max_length=300,
        required=False,
        label=_("Deployment id"),
        help_text=_("Leave it empty where you do not know it: the first launch brings it."),
    )
    name = forms.CharField(max_length=200, required=False, label=_("Name here"))
    issuer = forms.CharField(max_length=500, required=False, label=_("Issuer (platform id)"))
    auth_login_url = forms.CharField(
        max_length=1000, required=False, label=_("Authentication request address (OIDC)")
    )
    auth_token_url = forms.CharField(max_length=1000, required=False, label=_("Access token address"))
    key_set_url = forms.CharField(max_length=1000, required=False, label=_("Key set address (JWKS)"))
    auth_audience = forms.CharField(
        max_length=1000,
        required=False,
        label=_("Audience of token requests"),
        help_text=_("Empty: the access token address."),
    )
    approve = forms.BooleanField(required=False, label=_("Approve it now"))

    def __init__(self, family: Family, institutions: QuerySet[Institution], **options: Any) -> None:
        super().__init__(**options)
        self.family = family
        choices: Any = self.fields["institution"]
        choices.queryset = institutions.order_by("name")
        if institutions.count() == 1:
            choices.initial = institutions.first()
        if not family.needs_tool_id:
            del self.fields["tool_id"]
        for field in self.fields.values():
            if isinstance(field.widget, forms.TextInput):
                field.widget.attrs["size"] = 80

    def filled(self) -> dict[str, Any]:
        """The typed values, with the empty ones filled in as far as the family knows them. Raises Unfit."""
        typed = {name: str(self.data.get(name, "")).strip() for name in self.fields}
        known = self._presets(typed)
        return {name: value or known.get(name, "") for name, value in typed.items()}

    def clean(self) -> dict[str, Any]:
        found = dict(super().clean() or {})
        try:
            known = self._presets(found)
        except by_hand.Unfit as error:
            self.add_error(error.field, str(error))
            return found
        found["hosts"] = {name: known[name] for name in ("service_hosts", "frame_origins")}
        found |= {name: found.get(name) or known[name] for name in (*FILLED, "name")}
        for name in FILLED:
            self._check_address(name, found[name])
        self._check_new(found)
        return found

    def _presets(self, typed: dict[str, Any]) -> dict[str, Any]:
        words = {name: str(typed.get(name) or "") for name in ("site", "client_id", "tool_id")}
        return by_hand.values(self.family, **words)

    def _check_address(self, name: str, value: str) -> None:
        if not value and name not in MAY_BE_EMPTY:
            self.add_error(name, str(_("The LMS shows it with the tool's registration. Type it here.")))
        if value and name.endswith("_url"):
            try:
                is_url(value)
            except ValidationError:
                self.add_error(name, str(_("This is not a web address.")))

    def _check_new(self, found: dict[str, Any]) -> None:
        known = Registration.objects.filter(
            issuer=found["issuer"], client_id=found.get("client_id", "")
        ).first()
        if known is None or (known.archived_at and known.institution == found.get("institution")):
            return
        if known.institution == found.get("institution"):
            self.add_error("client_id", str(_("This LMS is registered already under this client id.")))
        else:
            self.add_error(
                "client_id",
                str(
                    _(
                        "Another institution of this tool has registered this client id of the LMS. Make another one there."
                    )
                ),
            )

    @transaction.atomic
    def save(self) -> Registration:
        found = self.cleaned_data
        same = Registration.objects.filter(issuer=found["issuer"], client_id=found["client_id"])
        row = same.first() or Registration(institution=found["institution"], client_id=found["client_id"])
        archiving.revive(row)
        for name in (*FILLED, "name"):
            setattr(row, name, found[name])
        row.product = self.family.product
        for name, more in found["hosts"].items():
            setattr(row, name, sorted({*getattr(row, name), *more}))
        row.active = found["approve"]
        row.save()
        if found["approve"]:
            # those of a revived registration
            row.deployments.update(active=True)
        if found["deployment_id"]:
            Deployment.objects.update_or_create(
                registration=row,
                deployment_id=found["deployment_id"],
                defaults={"active": found["approve"]},
            )
        return row


class Lines(forms.CharField):
    """A JSON list of texts, shown and typed one on a line."""

    widget = forms.Textarea(attrs={"rows": 3, "cols": 60})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip().lower() for line in str(value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(list(initial or ()) != self.to_python(data))


class RegistrationForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the type checker
    """A registration as it is edited later."""

    service_hosts = Lines(
        required=False,
        label=_("service hosts"),
        help_text=_(
            "Further hosts of this LMS that receive its access tokens: one on a line, such as school.example.edu"
        ),
    )
    frame_origins = Lines(
        required=False,
        label=_("frame origins"),
        help_text=_(
            "Further addresses that may show the tool in a frame: one on a line, such as https://school.example.edu"
        ),
    )

    learned_origins = Lines(
        required=False,
        label=_("learned origins"),
        help_text=_(
            "Addresses that accepted launches named, which may show the tool too. Delete what is strange."
        ),
    )

    class Meta:
        model = Registration
        # the admin's fieldsets say which
        fields: ClassVar[list[str]] = []
        help_texts: ClassVar[dict[str, str | Promise]] = {
            "active": _("Off: nobody can open the tool from this LMS, and nothing is sent for it."),
            "trust_new_deployments": _("Deployments that launches bring are approved by themselves."),
            "section_ids_trusted": _(
                "Tick this only where teachers cannot change course ids in the LMS: then the LMS's own section id proves a class."
            ),
            "auth_audience": _("Empty: the access token address."),
            "product": _("canvas, moodle, brightspace, blackboard, sakai, schoology or openedx"),
        }

    def clean_frame_origins(self) -> list[str]:
        return self._origins("frame_origins")

    def clean_learned_origins(self) -> list[str]:
        return self._origins("learned_origins")

    def _origins(self, name: str) -> list[str]:
        lines = self.cleaned_data[name]
        wrong = [line for line in lines if not origin_of(line)]
        if wrong:
            raise ValidationError(
                _("This is not an address of the form https://school.example.edu: %(line)s"),
                params={"line": wrong[0]},
            )
        return [origin_of(line) for line in lines]

    def clean_service_hosts(self) -> list[str]:
        lines: list[str] = self.cleaned_data["service_hosts"]
        wrong = [line for line in lines if not line or not origin_of(f"https://{line}").endswith(f"/{line}")]
        if wrong:
            raise ValidationError(
                _("This is not a host of the form school.example.edu: %(line)s"), params={"line": wrong[0]}
            )
        return lines
