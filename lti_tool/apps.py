from django.apps import AppConfig


class LtiToolConfig(AppConfig):
    name = "lti_tool"
    verbose_name = "LTI"

    def ready(self) -> None:
        from lti_tool import checks, cookies

        cookies.register_partitioned()
        checks.register()
