"""Where rows run: a broker, a state node, and the deployment on them that rows with the same settings share."""

from collections.abc import Mapping
from typing import Literal, Self

from faults.deployment import Deployment
from faults.nodes import Broker, RabbitNode, StateNode

BrokerName = Literal["valkey", "rabbitmq"]
BROKERS: tuple[BrokerName, ...] = ("valkey", "rabbitmq")


class Site:
    """Two servers of our own; closed, nothing of it is left."""

    def __init__(self, broker_name: BrokerName) -> None:
        self.broker_name = broker_name
        self.state = StateNode("state")
        self.broker: Broker = StateNode("broker") if broker_name == "valkey" else RabbitNode()
        self._shared: Deployment | None = None
        self._wanted: tuple[int, Mapping[str, str]] | None = None

    def __enter__(self) -> Self:
        try:
            self.state.start()
            self.broker.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end_deployment()
        self.broker.close()
        self.state.close()

    def deployment(self, workers: int, settings: Mapping[str, str]) -> Deployment:
        """The running deployment if it is such a one, else a new one on empty servers."""
        if self._shared is not None and self._wanted == (workers, settings):
            self._mend(self._shared, workers)
            return self._shared
        self.end_deployment()
        self.empty()
        self._shared = Deployment(self.broker, self.state, settings=settings)
        self._wanted = (workers, dict(settings))
        return self._shared.start(workers)

    def end_deployment(self, *, failed: bool = False) -> None:
        """Ends what rows share."""
        if self._shared is not None:
            self._shared.close(failed=failed)
        self._shared = None

    def heal(self) -> None:
        """Makes both servers run, whatever a row did to them."""
        self.state.heal()
        self.broker.heal()

    def empty(self) -> None:
        """Removes all that both servers hold."""
        self.heal()
        with self.state.client() as client:
            client.flushall()
        self.broker.empty()

    @staticmethod
    def _mend(deployment: Deployment, workers: int) -> None:
        for worker in deployment.workers[workers:]:
            worker.end()
        del deployment.workers[workers:]
        for process in (deployment.api, *deployment.workers):
            process.thaw()
        if not deployment.api.alive:
            deployment.api.start()
        deployment.tend()
        deployment.wait_ready()
