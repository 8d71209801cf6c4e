from typing import Any

from django.db import migrations, models


def leave_one_of_each(apps: Any, schema_editor: Any) -> None:
    """Two processes could once each make a first key: the older one signs, the other stays published for a day."""
    keys = apps.get_model("lti_tool", "SigningKey").objects
    for state in ("active", "next"):
        first = keys.filter(state=state).order_by("pk").values_list("pk", flat=True).first()
        keys.filter(state=state).exclude(pk=first).update(state="retiring")


class Migration(migrations.Migration):
    dependencies = [("lti_tool", "0002_certification")]

    operations = [
        migrations.RunPython(leave_one_of_each, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="signingkey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["next", "active"])), fields=("state",), name="one_key_signs"
            ),
        ),
    ]
