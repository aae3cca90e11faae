"""All addresses: the pages are the only ones so far."""

from django.urls import include, path

urlpatterns = [path("", include("commonthread.web.urls"))]
