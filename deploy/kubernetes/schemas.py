"""Writes the JSON Schemas that the manifests are held against, with nothing allowed that they do not name.

    schemas.py WHEEL VERSION CRDS DIRECTORY

WHEEL is the package kubernetes-validate, which holds the schemas of every Kubernetes; VERSION is the one wanted. CRDS is the folder with
KEDA's resource definitions. DIRECTORY gets a file a kind, named as `check` has kubeconform look for it: `kind-group-version.json`.
"""

import json
import sys
import zipfile
from pathlib import Path

import yaml

CUSTOM = ("ScaledObject", "TriggerAuthentication")


def plain(schema):
    """Without the words for people, which are most of it and would be read for every object."""
    if isinstance(schema, list):
        return [plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: plain(value) for key, value in schema.items() if key != "description" or not isinstance(value, str)}


def core(wheel, version, directory):
    """As they are, but that they find one another beside each other, and not at an address."""
    inside = f"kubernetes_validate/kubernetes-json-schema/v{version}-local-strict/"
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(inside) and name.endswith(".json"):
                schema = json.loads(archive.read(name).replace(b'"/api/_definitions.json#', b'"_definitions.json#'))
                schema.pop("$id", None)
                (directory / name.removeprefix(inside)).write_text(json.dumps(plain(schema)))


def strict(schema):
    """A definition's schema lets fields pass that it does not name; the server drops them without a word, so here they are refused."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: strict(value) for key, value in schema.items()}
    open_end = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and not open_end:
        schema["additionalProperties"] = False
    if schema.pop("x-kubernetes-int-or-string", False):
        schema.pop("type", None)
        schema["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return schema


def custom(crds, directory):
    metadata = {"$ref": "_definitions.json#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
    for kind in CUSTOM:
        definition = yaml.safe_load((crds / f"keda.sh_{kind.lower()}s.yaml").read_text())
        group = definition["spec"]["group"].split(".")[0]
        for version in definition["spec"]["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = metadata
            (directory / f"{kind.lower()}-{group}-{version['name']}.json").write_text(json.dumps(plain(schema)))


if __name__ == "__main__":
    wheel, version, crds, directory = sys.argv[1:]
    Path(directory).mkdir(parents=True, exist_ok=True)
    core(wheel, version, Path(directory))
    custom(Path(crds), Path(directory))
