"""The Django app `records`."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "commonthread.broker.records"
    label = "records"
