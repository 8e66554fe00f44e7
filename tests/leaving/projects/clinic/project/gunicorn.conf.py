import os

from prometheus_client import multiprocess

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get('WEB_CONCURRENCY', '3'))
max_requests = 1000


def when_ready(server):
    server.log.info('clinic is open')


def child_exit(server, worker):
    multiprocess.mark_process_dead(worker.pid)
