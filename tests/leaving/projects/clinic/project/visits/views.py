import datetime

from django.http import Http404, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from visits import metrics
from visits.models import Doctor, Visit


def today(request):
    missing = Visit.objects.filter(day=datetime.date.today(), came=False).count()
    metrics.waiting.set(missing)
    return HttpResponse('%d to come' % missing)


@method_decorator(csrf_exempt, name='dispatch')
class Visits(View):
    def get(self, request):
        return JsonResponse({'visits': list(Visit.objects.values('id', 'patient'))})

    def post(self, request):
        doctor = Doctor.objects.get(name=request.POST['doctor'])
        visit = Visit(doctor=doctor, patient=request.POST['patient'], day=datetime.date.today())
        visit.save()
        metrics.booked.labels(doctor=doctor.name).inc()
        return JsonResponse({'id': visit.pk}, status=201)


def visit(request, pk):
    try:
        found = Visit.objects.select_related('doctor').get(pk=pk)
    except Visit.DoesNotExist:
        raise Http404
    return HttpResponse('%s sees %s' % (found.doctor.name, found.patient))
