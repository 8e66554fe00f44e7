from django.conf import settings
from django.urls import include, path

from lines import views

urlpatterns = [
    path("", views.index, name="index"),
    path("stops/<slug:stop>/", views.stop, name="stop"),
    path("lines/", views.Lines.as_view(), name="lines"),
]

if settings.METRICS:
    urlpatterns += [path("monitor/", include("django_prometheus.urls"))]
