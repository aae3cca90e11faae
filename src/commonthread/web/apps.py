"""The pages as a Django app. They keep nothing: there are no models."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "commonthread.web"
    label = "web"
    verbose_name = "Pages"
