from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "gradesync_site"
    verbose_name = "GradeSync"
