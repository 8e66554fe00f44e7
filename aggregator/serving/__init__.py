"""metrics.prom on its way to Prometheus: served to be scraped, and pushed to a gateway."""
