from django.urls import path
from django_prometheus.exports import ExportToDjangoView

from stalls import views

urlpatterns = [
    path("metrics/", ExportToDjangoView, name="metrics"),
    path("sell/<slug:stall>/", views.sell, name="sell"),
    path("takings/", views.takings, name="takings"),
    path("gauge/", views.gauge, name="gauge"),
]
