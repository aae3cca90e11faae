"""The application that an ASGI server runs: commonthread.config.asgi:application."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commonthread.config.settings")
application = get_asgi_application()
