from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "sync"
    verbose_name = "Grades"

    def ready(self) -> None:
        from sync import checks

        checks.register()
