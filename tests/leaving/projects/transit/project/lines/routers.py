class TimetableRouter:
    """Departures come from the operator's database."""

    def db_for_read(self, model, **hints):
        return "timetable" if model.__name__ == "Departure" else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return (model_name == "departure") == (db == "timetable")
