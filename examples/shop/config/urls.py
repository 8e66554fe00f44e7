from django.urls import path
from store import views

urlpatterns = [
    path("", views.product_list, name="product_list"),
    path("up/", views.up, name="up"),
    path("products/<int:pk>/", views.product_detail, name="product_detail"),
    path("orders/", views.order_create, name="order_create"),
    path("broken/", views.broken, name="broken"),
]
