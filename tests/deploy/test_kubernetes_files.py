"""What kubectl renders of deploy/kubernetes, read: that its parts fit together, and fit inferq."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from conftest import require
from deploy.kubernetes import (
    FOLDER,
    KUBECTL,
    OVERLAYS,
    Resource,
    environment,
    of,
    own_model,
    pod_specs,
    render,
)
from inferq.api.app import GRACE_SECONDS
from inferq.models import BUNDLED
from inferq.predictions.record import ModelReference
from inferq.queue import queue_name
from inferq.settings import PREFIX, Settings

OURS = ("api", "worker")
KINDS = {"Mi": 2**20, "Gi": 2**30}


@pytest.fixture(scope="module")
def rendered() -> dict[str, list[Resource]]:
    require(KUBECTL.exists(), "kubectl (make check-kubernetes)")
    return {overlay: render(FOLDER / "overlays" / overlay) for overlay in OVERLAYS}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    require(KUBECTL.exists(), "kubectl (make check-kubernetes)")
    return shutil.copytree(FOLDER, tmp_path / "kubernetes")


def settings_of(resources: list[Resource]) -> Iterator[tuple[Resource, dict[str, str]]]:
    """The pods of ours, each with its variables."""
    for name, spec in pod_specs(resources).items():
        if name.partition("-")[0] in OURS:
            yield spec, environment(resources, spec["containers"][0])


def test_every_variable_is_a_setting(rendered: dict[str, list[Resource]]):
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}
    for resources in rendered.values():
        for _, variables in settings_of(resources):
            assert variables.keys() <= known | {f"{name}_FILE" for name in known}


def test_every_secret_that_a_setting_names_is_mounted_where_it_says(
    rendered: dict[str, list[Resource]],
):
    for resources in rendered.values():
        for spec, variables in settings_of(resources):
            mounts = {m["mountPath"]: m["name"] for m in spec["containers"][0]["volumeMounts"]}
            volumes = {volume["name"]: volume for volume in spec["volumes"]}
            paths = [Path(value) for name, value in variables.items() if name.endswith("_FILE")]
            assert paths
            for path in paths:
                items = volumes[mounts[str(path.parent)]]["secret"].get("items")
                assert items is None or path.name in {item["path"] for item in items}


def test_nobody_is_killed_before_it_has_drained(rendered: dict[str, list[Resource]]):
    for resources in rendered.values():
        for spec, variables in settings_of(resources):
            grace = spec["terminationGracePeriodSeconds"]
            main = spec["containers"][0]
            if main["name"] == "api":
                wait = main["lifecycle"]["preStop"]["sleep"]["seconds"]
                assert grace >= wait + GRACE_SECONDS + 10
            else:
                drain = int(variables["INFERQ_DRAIN_TIMEOUT"])
                assert grace >= drain + 10 > int(variables["INFERQ_ATTEMPT_TIMEOUT"]) + 15


def test_an_input_may_take_less_memory_than_the_worker_has(rendered: dict[str, list[Resource]]):
    for resources in rendered.values():
        main = pod_specs(resources)["worker"]["containers"][0]
        number, unit = re.fullmatch(r"(\d+)(\D+)", main["resources"]["limits"]["memory"]).groups()
        limit = int(number) * KINDS[unit]
        allowed = int(environment(resources, main)["INFERQ_WORKER_MEMORY_BYTES"])
        assert 0 < allowed <= limit - 2**30


def test_keda_counts_both_queues_of_the_model_that_its_workers_serve_and_no_other(
    rendered: dict[str, list[Resource]], copy: Path
):
    for resources in (rendered["production"], rendered["gpu"], on_redis(copy)):
        scaled = of(resources, "ScaledObject", "worker")["spec"]
        served = pod_specs(resources)[scaled["scaleTargetRef"]["name"]]["containers"][0]["args"]
        assert served == ["worker", BUNDLED]
        names = {
            queue_name(ModelReference(name=BUNDLED, version="1"), again=again)
            for again in (False, True)
        }
        others = {f"{name}0" for name in names} | {f"x{name}" for name in names}
        found = {
            name
            for name in names | others
            for trigger in scaled["triggers"]
            if re.search(
                trigger["metadata"].get("queueName", f"^{trigger['metadata'].get('listName')}$"),
                name,
            )
        }
        assert found == names
        assert scaled["minReplicaCount"] == 0
        variables = environment(resources, pod_specs(resources)["worker"]["containers"][0])
        assert scaled["cooldownPeriod"] > int(variables["INFERQ_ATTEMPT_TIMEOUT"])


def on_redis(folder: Path) -> list[Resource]:
    """The overlay `dev` with as many workers as Redis' lists ask for."""
    path = folder / "overlays/dev/kustomization.yaml"
    listed = yaml.safe_load(path.read_text())
    listed["resources"][listed["resources"].index("../../worker")] += "-on-demand/redis"
    listed["components"].append("../../components/keda-redis")
    path.write_text(yaml.safe_dump(listed))
    return render(path.parent)


def allowed(resources: list[Resource], labels: dict[str, str]) -> dict[int, set[str]]:
    """Who may reach pods with these labels: by port, the namespaces and names that policies let in."""
    found: dict[int, set[str]] = {}
    for policy in (one["spec"] for one in resources if one["kind"] == "NetworkPolicy"):
        if not selects(policy["podSelector"], labels):
            continue
        for rule in policy.get("ingress", ()):
            for port in rule["ports"]:
                found.setdefault(port["port"], set()).update(map(peer, rule["from"]))
    return found


def selects(selector: Resource, labels: dict[str, str]) -> bool:
    exact = selector.get("matchLabels", {}).items() <= labels.items()
    return exact and all(
        labels.get(rule["key"]) in rule["values"] for rule in selector.get("matchExpressions", ())
    )


def peer(rule: Resource) -> str:
    namespace = rule.get("namespaceSelector", {}).get("matchLabels", {})
    pods = rule.get("podSelector", {})
    names = pods.get("matchLabels", {}).values() or [
        name for one in pods.get("matchExpressions", ()) for name in one["values"]
    ]
    return "/".join([*namespace.values(), ",".join(names)]).strip("/")


def test_only_who_has_to_reaches_whom(rendered: dict[str, list[Resource]]):
    resources = rendered["production"]
    everything = of(resources, "NetworkPolicy", "nothing-else")["spec"]
    assert everything == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    def reach(workload: str) -> dict[int, set[str]]:
        (labels,) = (
            one["spec"]["template"]["metadata"]["labels"]
            for one in resources
            if one["kind"] == "Deployment" and one["metadata"]["name"] == workload
        )
        return allowed(resources, labels)

    prometheus, inferq = "monitoring/prometheus", "inferq-api,inferq-worker"
    assert reach("api") == {8000: {"gateway"}, 9464: {prometheus}}
    assert reach("worker") == {9464: {prometheus}}
    rabbitmq = allowed(resources, {"app.kubernetes.io/name": "rabbitmq"})
    assert (rabbitmq[5672], rabbitmq[15672], rabbitmq[15692]) == ({inferq}, {"keda"}, {prometheus})
    redis = allowed(rendered["dev"], {"app.kubernetes.io/name": "redis"})
    assert redis == {6379: {inferq}}


def test_no_service_and_no_route_leads_to_metrics(rendered: dict[str, list[Resource]]):
    for resources in rendered.values():
        services = [one for one in resources if one["kind"] == "Service"]
        ports = {
            (one["metadata"]["name"], port["targetPort"])
            for one in services
            for port in one["spec"]["ports"]
        }
        assert ports <= {("api", "http"), ("redis", "redis")}
        for route in (one for one in resources if one["kind"] == "HTTPRoute"):
            (rule,) = route["spec"]["rules"]
            assert [(ref["name"], ref["port"]) for ref in rule["backendRefs"]] == [("api", 8000)]


def test_a_service_leads_to_its_pods_and_a_budget_covers_each_pod_once(
    rendered: dict[str, list[Resource]],
):
    for resources in rendered.values():
        pods = [
            one["spec"]["template"]["metadata"]["labels"]
            for one in resources
            if one["kind"] in {"Deployment", "StatefulSet"}
        ]
        for service in (one["spec"] for one in resources if one["kind"] == "Service"):
            assert sum(service["selector"].items() <= labels.items() for labels in pods) == 1
        budgets = [
            one["spec"]["selector"] for one in resources if one["kind"] == "PodDisruptionBudget"
        ]
        for labels in pods:
            if labels["app.kubernetes.io/name"] != "redis":
                assert sum(selects(budget, labels) for budget in budgets) == 1


def test_a_gpu_worker_asks_for_a_gpu_and_for_its_image(rendered: dict[str, list[Resource]]):
    main = pod_specs(rendered["gpu"])["worker"]["containers"][0]
    assert "/inferq-worker-gpu:" in main["image"]
    assert main["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert environment(rendered["gpu"], main)["INFERQ_PROVIDERS"].startswith("cuda")
    assert environment(rendered["gpu"], main)["INFERQ_WORKER_MEMORY_BYTES"]


def test_a_model_of_ones_own_gets_workers_of_its_own_as_the_page_shows(copy: Path):
    resources = own_model(copy)
    bundled, own = (pod_specs(resources)[name] for name in ("worker", "worker-own-model"))
    assert own["containers"][0]["args"] == ["worker", "/models/own-model"]
    assert own["volumes"] == bundled["volumes"]
    assert environment(resources, own["containers"][0]) == environment(
        resources, bundled["containers"][0]
    )
    scaled = of(resources, "ScaledObject", "worker-own-model")["spec"]
    assert scaled["scaleTargetRef"]["name"] == "worker-own-model"
    queue = queue_name(ModelReference(name="own-model", version="1"))
    assert re.search(scaled["triggers"][0]["metadata"]["queueName"], queue)
    labels = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in resources
        if one["kind"] == "Deployment"
    }
    for name in ("worker", "worker-own-model"):
        for kind in ("Deployment", "PodDisruptionBudget"):
            selector = of(resources, kind, name)["spec"]["selector"]
            chosen = [pod for pod, told in labels.items() if selects(selector, told)]
            assert chosen == [name], kind


def test_a_bucket_takes_the_volumes_place_by_one_line(copy: Path):
    path = copy / "overlays/production/kustomization.yaml"
    path.write_text(path.read_text().replace("- ../../components/storage-volume", "- ../../components/storage-s3"))  # fmt: skip
    resources = render(path.parent)
    assert not [one for one in resources if one["kind"] == "PersistentVolumeClaim"]
    for spec, variables in settings_of(resources):
        assert variables["INFERQ_STORAGE_URL"] == "s3://inferq"
        secret = next(v["secret"] for v in spec["volumes"] if v["name"] == "storage")
        assert {item["path"] for item in secret["items"]} == {"key", "secret"}
