"""Reads what kubectl renders, and does with its pods what a kubelet does, on the engine of these tests."""

import re
import shutil
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import yaml

from deploy.compose_file import ROOT
from deploy.engine import Container, Engine

FOLDER = ROOT / "deploy/kubernetes"
PAGE = ROOT / "docs/kubernetes.md"
KUBECTL = Path(sys.prefix, "kubernetes/bin/kubectl")
OVERLAYS = ("dev", "production", "gpu")
UNDERSTOOD = {"emptyDir", "secret", "configMap", "persistentVolumeClaim"}

Resource = dict[str, Any]


def render(folder: Path) -> list[Resource]:
    """What `kubectl apply --kustomize` would send to a cluster."""
    command = [KUBECTL, "kustomize", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of(resources: Sequence[Resource], kind: str, name: str) -> Resource:
    """The resource of this kind and name."""
    return next(one for one in resources if (one["kind"], one["metadata"]["name"]) == (kind, name))


def pod_specs(resources: Sequence[Resource]) -> dict[str, Resource]:
    """The pods' specifications of all workloads, by the workload's name."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in resources
        if one["kind"] in {"Deployment", "StatefulSet"}
    }


def own_model(folder: Path) -> list[Resource]:
    """The overlay that docs/kubernetes.md shows for a model of one's own, rendered in a copy of the folder."""
    overlay = shutil.copytree(folder / "overlays/production", folder / "overlays/ours")
    (shown,) = re.findall(
        r"```yaml\n(# deploy/kubernetes/overlays/ours/own-model/kustomization.yaml\n.*?)```",
        PAGE.read_text(),
        re.DOTALL,
    )
    (overlay / "own-model").mkdir()
    (overlay / "own-model/kustomization.yaml").write_text(shown)
    path = overlay / "kustomization.yaml"
    listed = yaml.safe_load(path.read_text())
    listed["resources"].append("own-model")
    path.write_text(yaml.safe_dump(listed))
    return render(overlay)


@dataclass
class Pod:
    """One pod of one container."""

    engine: Engine
    spec: Resource
    container: Container

    @property
    def main(self) -> Resource:
        """Its container's specification."""
        (main,) = self.spec["containers"]
        return dict(main)

    @property
    def address(self) -> str:
        """Its address."""
        return next(iter(self.container.addresses.values()))

    def port(self, name: str) -> int:
        """The number of a named port."""
        return next(p["containerPort"] for p in self.main["ports"] if p["name"] == name)

    def start(self) -> "Pod":
        """Starts the container, again with its volumes, and waits until its startup probe has passed."""
        self.engine.start(self.container)
        return self.wait()

    def wait(self) -> "Pod":
        """Waits until the startup probe has passed."""
        probe = self.main["startupProbe"]
        for _ in range(probe["failureThreshold"]):
            assert self.container.process.alive, self.container.process.output
            if self.passes("startup"):
                return self
            time.sleep(0.2)  # the kubelet waits longer
        raise AssertionError(self.container.process.output)

    def passes(self, kind: str) -> bool:
        """Asks a probe once, as the kubelet does."""
        probe = self.main[f"{kind}Probe"]
        began = time.monotonic()
        if "exec" in probe:
            well = self.container.exec(probe["exec"]["command"]).returncode == 0
        else:
            get = probe["httpGet"]
            url = f"http://{self.address}:{self.port(get['port'])}{get['path']}"
            headers = {header["name"]: header["value"] for header in get.get("httpHeaders", ())}
            try:
                answer = httpx.get(url, headers=headers, timeout=probe["timeoutSeconds"])
            except httpx.TransportError:
                return False
            well = 200 <= answer.status_code < 400
        return well and time.monotonic() - began < probe["timeoutSeconds"]

    def terminate(self) -> float:
        """What a deleted pod goes through; seconds from its deletion to its end, which its grace has to bound."""
        began = time.monotonic()
        hook = self.main.get("lifecycle", {}).get("preStop", {}).get("sleep", {"seconds": 0})
        time.sleep(hook["seconds"])
        self.container.stop(self.spec["terminationGracePeriodSeconds"] - hook["seconds"])
        return time.monotonic() - began


class Cluster:
    """Pods of rendered resources, on an engine."""

    def __init__(self, engine: Engine, secrets: Mapping[str, Mapping[str, str]]) -> None:
        self.engine = engine
        self.secrets = secrets

    def pod(
        self,
        resources: Sequence[Resource],
        workload: str,
        name: str,
        *,
        mounts: Mapping[str, Path] | None = None,
    ) -> Pod:
        """A pod of a workload, not started.

        Args:
            resources: Where it is found, with the ConfigMaps that it uses.
            workload: Name of its Deployment or StatefulSet.
            name: Of the pod.
            mounts: What its image has besides, by the path in it.
        """
        spec = pod_specs(resources)[workload]
        (main,) = spec["containers"]
        context = spec["securityContext"]
        volumes = {volume["name"]: volume for volume in spec.get("volumes", ())}
        lines = []
        for mount in main.get("volumeMounts", ()):
            volume = volumes.get(mount["name"], {"persistentVolumeClaim": {}})
            source = self._volume(resources, name, mount["name"], volume, context["fsGroup"])
            lines.append(
                f"{source}:{mount['mountPath']}" + (":ro" if mount.get("readOnly") else "")
            )
        for target, path in (mounts or {}).items():
            shutil.copytree(path, self.engine.volume(f"{name}-image"))
            lines.append(f"{name}-image:{target}:ro")
        image = main["image"].rpartition("/")[2].partition(":")[0].removeprefix("inferq-")
        self.engine.file["services"][name] = {
            "image": image if image in self.engine.images else "worker",
            "networks": ["back"],
            "read_only": main["securityContext"]["readOnlyRootFilesystem"],
            "user": f"{context['runAsUser']}:{context['runAsGroup']}",
            "environment": environment(resources, main),
            "volumes": lines,
            **({"entrypoint": main["command"]} if "command" in main else {}),
            "command": main.get("args", []),
        }
        return Pod(self.engine, spec, self.engine.add(name, 1))

    def _volume(
        self, resources: Sequence[Resource], pod: str, name: str, volume: Resource, group: int
    ) -> str:
        """Makes a volume where it is new; returns its name."""
        (kind,) = volume.keys() - {"name"}
        assert kind in UNDERSTOOD, kind
        shared = kind == "persistentVolumeClaim"
        full = name if shared else f"{pod}-{name}"
        folder = self.engine.volume(full)
        if folder.exists():
            return full
        folder.mkdir(parents=True)
        # What `fsGroup` does: the group owns it, and all files of Secrets.
        shutil.chown(folder, 0, group)
        folder.chmod(0o2775)
        if kind == "secret":
            chosen = volume["secret"]
            for item in chosen["items"]:
                path = folder / item["path"]
                path.write_text(self.secrets[chosen["secretName"]][item["key"]])
                shutil.chown(path, 0, group)
                path.chmod(chosen["defaultMode"])
        if kind == "configMap":
            for key, text in of(resources, "ConfigMap", volume["configMap"]["name"])[
                "data"
            ].items():
                (folder / key).write_text(text)
        return full


def environment(resources: Sequence[Resource], container: Resource) -> dict[str, str]:
    """The variables of a container: those of its ConfigMaps, and over them its own."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        found |= of(resources, "ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {one["name"]: one["value"] for one in container.get("env", ())}


def dev_secrets() -> dict[str, dict[str, str]]:
    """What deploy/kubernetes/secrets.sh prints, by name and key."""
    done = subprocess.run([FOLDER / "secrets.sh"], capture_output=True, text=True, check=True)
    return {one["metadata"]["name"]: one["stringData"] for one in yaml.safe_load_all(done.stdout)}


def scaler_count(trigger: Resource, address: str, account: tuple[str, str]) -> int:
    """How many messages KEDA's scaler would count with this trigger: the same request to RabbitMQ, the same sum."""
    metadata = trigger["metadata"]
    assert (metadata["protocol"], metadata["mode"], metadata["useRegex"]) == (
        "http",
        "QueueLength",
        "true",
    )
    port = metadata["host"].rpartition(":")[2]
    answer = httpx.get(
        f"http://{address}:{port}/api/queues/%2F",
        params={
            "page": 1,
            "use_regex": "true",
            "pagination": "false",
            "name": metadata["queueName"],
            "page_size": 100,
        },
        headers={"Authorization": f"Basic {b64encode(':'.join(account).encode()).decode()}"},
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    return sum(queue.get("messages", 0) for queue in answer.json()["items"])
