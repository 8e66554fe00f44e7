from prometheus_client import Counter, Gauge

booked = Counter('clinic_visits_booked', 'Visits booked, by doctor.', ['doctor'])
waiting = Gauge('clinic_waiting', 'Visits of today that have not come.',
                multiprocess_mode='mostrecent')
