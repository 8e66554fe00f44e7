from django.urls import path

from clinic import monitoring
from visits import views

urlpatterns = [
    path('', views.today, name='today'),
    path('visits/', views.Visits.as_view(), name='visits'),
    path('visits/<int:pk>/', views.visit, name='visit'),
    path('internal/metrics', monitoring.metrics, name='metrics'),
    path('internal/status', monitoring.status, name='status'),
]
