from django.db import models


class Doctor(models.Model):
    name = models.CharField(max_length=100)


class Visit(models.Model):
    doctor = models.ForeignKey(Doctor, on_delete=models.CASCADE)
    patient = models.CharField(max_length=100)
    day = models.DateField()
    came = models.BooleanField(default=False)
