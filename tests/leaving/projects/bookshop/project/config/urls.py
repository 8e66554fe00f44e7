from django.urls import include, path

urlpatterns = [
    path("", include("django_prometheus.urls")),
    path("orders/", include("orders.urls")),
    path("", include("catalog.urls")),
]
