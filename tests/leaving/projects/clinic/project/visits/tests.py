import datetime

from django.test import TestCase, override_settings

from visits.models import Doctor, Visit


class VisitTests(TestCase):
    def setUp(self):
        self.doctor = Doctor.objects.create(name='Grey')

    def book(self, **more):
        return self.client.post('/visits/', {'doctor': 'Grey', 'patient': 'Ann', **more})

    def test_a_visit_is_booked(self):
        self.assertEqual(self.book().status_code, 201)
        self.assertEqual(Visit.objects.get().patient, 'Ann')

    def test_who_is_to_come(self):
        Visit.objects.create(doctor=self.doctor, patient='Bob', day=datetime.date.today())
        self.assertContains(self.client.get('/'), '1 to come')

    def test_an_unknown_visit_is_not_found(self):
        self.assertEqual(self.client.get('/visits/99/').status_code, 404)


@override_settings(METRICS_TOKEN='open sesame')
class MonitoringTests(TestCase):
    headers = {'Authorization': 'Bearer open sesame'}

    def test_only_with_the_token(self):
        self.assertEqual(self.client.get('/internal/status').status_code, 403)
        self.assertContains(self.client.get('/internal/status', headers=self.headers), 'open')

    def test_metrics(self):
        response = self.client.get('/internal/metrics', headers=self.headers)
        self.assertContains(response, 'clinic_waiting')
        self.assertEqual(response['Content-Type'].split(';')[0], 'text/plain')
