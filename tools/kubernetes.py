"""Renders what deploy/kubernetes holds, and checks it against Kubernetes' schemas and checkov's rules.

Run by `make check-kubernetes`. With `--crds FOLDER`, custom resources are checked, too, against the CustomResourceDefinitions
in its files; no package registry has those.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "deploy/kubernetes"
OVERLAYS = ("dev", "production", "gpu")
VERSIONS = ("1.30", "1.37")
"""The oldest Kubernetes that will do, and the newest whose schemas are known."""
BIN = Path(sys.executable).parent


def main() -> int:
    """Says what is wrong; status 1 if anything is."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--crds", type=Path)
    crds = read_crds(options.parse_args().crds)
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for overlay in OVERLAYS:
            path = Path(folder, f"{overlay}.yaml")
            path.write_text(render(FOLDER / "overlays" / overlay))
            resources = [one for one in yaml.safe_load_all(path.read_text()) if one]
            unknown = {one["kind"] for one in resources if not is_checked(one, crds)}
            wrong += [f"{overlay}: {told}" for one in resources for told in faults(one, crds)]
            print(
                f"{overlay}: {len(resources)} resources, without a schema: {', '.join(sorted(unknown)) or 'none'}"
            )
        wrong += [] if is_clean(Path(folder)) else ["checkov is not content"]
    print(*wrong, sep="\n")
    return 1 if wrong else 0


def render(folder: Path) -> str:
    """What `kubectl apply --kustomize` would send to a cluster."""
    command = [BIN / "kubectl", "kustomize", folder]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def read_crds(folder: Path | None) -> dict[tuple[str, str], Any]:
    """The schemas of custom resources by `apiVersion` and `kind`; fields that they do not name are refused."""
    found = {}
    for path in folder.glob("*.yaml") if folder else ():
        for crd in yaml.safe_load_all(path.read_text()):
            for version in crd["spec"]["versions"]:
                name = f"{crd['spec']['group']}/{version['name']}"
                schema = version["schema"]["openAPIV3Schema"]
                found[name, crd["spec"]["names"]["kind"]] = closed(schema)
    return found


def closed(schema: Any) -> Any:
    """The same schema, which takes no field besides those it names, as `kubectl apply` does."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    free = schema.get("x-kubernetes-preserve-unknown-fields") or not isinstance(
        schema.get("properties"), dict
    )
    return (
        inner
        if free or "additionalProperties" in schema
        else inner | {"additionalProperties": False}
    )


def is_builtin(resource: Mapping[str, Any]) -> bool:
    """Whether Kubernetes itself has this kind."""
    group = resource["apiVersion"].rpartition("/")[0]
    return "." not in group or group == "networking.k8s.io"


def is_checked(resource: Mapping[str, Any], crds: Mapping[tuple[str, str], Any]) -> bool:
    """Whether there is a schema for it."""
    return is_builtin(resource) or (resource["apiVersion"], resource["kind"]) in crds


def faults(resource: dict[str, Any], crds: Mapping[tuple[str, str], Any]) -> Iterator[str]:
    """What its schema says against a resource."""
    name = f"{resource['kind']} {resource['metadata']['name']}"
    schema = crds.get((resource["apiVersion"], resource["kind"]))
    if schema is not None:
        # Of `metadata` a definition says no more than that it is an object.
        bare = {key: value for key, value in resource.items() if key != "metadata"}
        errors = jsonschema.Draft202012Validator(schema).iter_errors(bare)
        yield from (f"{name}: {error.json_path}: {error.message}" for error in errors)
    elif is_builtin(resource):
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(resource, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                path = ".".join(map(str, error.path))
                yield f"{name}: Kubernetes {version}: {path}: {error.message}"


def is_clean(folder: Path) -> bool:
    """Whether checkov finds nothing but what the manifests explain."""
    command = [BIN / "checkov", "--directory", folder, "--framework", "kubernetes", "--skip-download", "--compact", "--quiet"]  # fmt: skip
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
