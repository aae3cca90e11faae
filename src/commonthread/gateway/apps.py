"""The Django app `gateway`: what is not signed yet has tables of its own."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "commonthread.gateway"
    label = "gateway"
