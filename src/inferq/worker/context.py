"""What a worker on this machine loads its models with: settings first, then what the machine has room for."""

from inferq.models.base import Context
from inferq.settings import Settings
from inferq.worker.cpus import available_cpus


def worker_context(settings: Settings) -> Context:
    """Devices, threads and runs at once of a worker with these settings."""
    threads = settings.threads or 1
    return Context(
        threads=threads,
        providers=settings.providers,
        parallel=settings.parallel_runs or max(1, available_cpus() // threads),
        batching=settings.batching,
    )
