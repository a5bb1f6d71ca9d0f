"""What a worker on this machine loads its models with: settings first, then what the machine has room for."""

from inferq.models.base import Context
from inferq.models.providers import parse_provider
from inferq.settings import Settings
from inferq.worker.cpus import available_cpus

PINS = {
    "providers": "providers",
    "threads": "threads",
    "parallel_runs": "parallel",
    "batching": "batch_size",
}
"""Settings, and what of a context they say."""


def worker_context(settings: Settings) -> Context:
    """Devices, threads and runs at once of a worker with these settings."""
    threads, cpus = settings.threads or 1, available_cpus()
    # A device of its own is kept busy by batches, which only gather where runs are few.
    on_cpus = parse_provider(settings.providers[0]).name == "cpu"
    room = max(1, cpus // threads) if on_cpus else 1
    return Context(
        threads=threads,
        providers=settings.providers,
        parallel=settings.parallel_runs or room,
        batching=settings.batching,
        cpus=cpus,
        tuned=settings.tuned_folder(),
        pinned=frozenset(
            attribute for name, attribute in PINS.items() if name in settings.model_fields_set
        ),
    )
