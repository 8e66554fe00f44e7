from django.urls import path

from . import views

app_name = "catalog"
urlpatterns = [
    path("", views.index, name="index"),
    path("books/<int:pk>/", views.book, name="book"),
    path("books/<int:pk>/cover/", views.cover, name="cover"),
]
