"""Holds what the objects of an overlay say of one another, and of the services' settings, against these. No schema sees such things.

    agree.py DEFAULTS < OBJECTS
"""

import re
import sys
import tomllib
from pathlib import Path

import yaml

COMPONENT = "app.kubernetes.io/component"


def of(objects, *kinds):
    return [found for found in objects if found["kind"] in kinds]


def name(found):
    return f"{found['kind']} {found['metadata']['name']}"


def template(workload):
    return workload["spec"]["template"]


def container(workload):
    return template(workload)["spec"]["containers"][0]


def selects(selector, labels):
    exact = selector.get("matchLabels", {}).items() <= labels.items()
    return exact and all(labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", []))


def references(objects):
    """What is named is there, and what selects pods selects some."""
    pods = [template(workload)["metadata"]["labels"] for workload in of(objects, "Deployment", "Job")]
    there = {name(found) for found in objects}
    for found in of(objects, "NetworkPolicy", "PodDisruptionBudget", "Deployment"):
        selector = found["spec"].get("podSelector", found["spec"].get("selector"))
        yield any(selects(selector, labels) for labels in pods), f"{name(found)} selects no pod"
    for found in of(objects, "Service"):
        selector = {"matchLabels": found["spec"]["selector"]}
        yield any(selects(selector, labels) for labels in pods), f"{name(found)} selects no pod"
    for found in of(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        yield f"Deployment {found['spec']['scaleTargetRef']['name']}" in there, f"{name(found)} scales what is not there"
    for found in of(objects, "Ingress"):
        for rule in found["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                yield f"Service {path['backend']['service']['name']}" in there, f"{name(found)} leads to no service"
    for found in of(objects, "Deployment", "Job"):
        for source in container(found).get("envFrom", []):
            yield f"ConfigMap {source['configMapRef']['name']}" in there, f"{name(found)} reads settings that are not there"


def settings(objects, defaults, text):
    """Settings exist, and a service is never killed before it has ended by itself; there is a trigger for every queue."""
    known = {f"CHAT__{section}__{key}".upper() for section, keys in defaults.items() for key in keys}
    # What has no default stands there as a comment.
    known |= {"LOG_FORMAT", "LOG_LEVEL", "OTEL_EXPORTER_OTLP_ENDPOINT", "RATE_LIMIT_PER_MINUTE", "CHAT_QUEUE_THRESHOLD", "MESSAGE_QUEUE_THRESHOLD"}
    known |= {variable for variable in re.findall(r"[A-Z_]{4,}", text) if variable.endswith(("_URL", "_TOKEN"))}
    set_here = {key: value for found in of(objects, "ConfigMap") for key, value in found["data"].items()}
    for variable in set_here:
        yield variable in known and not variable.endswith(("_URL", "_TOKEN")), f"{variable} is no setting, or a secret"

    def setting(section, key):
        return int(set_here.get(f"CHAT__{section}__{key}".upper(), defaults[section][key]))

    for found in of(objects, "Deployment"):
        for variable in container(found)["env"]:
            yield variable["name"] in known, f"{name(found)}: {variable['name']} is no setting"
        pause = container(found).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        drain = setting("http", "drain_ms") if pause else 0
        # What requests have left to do takes six seconds at most: as OPERATIONS.md reckons.
        needed = pause + (drain + setting("http", "shutdown_ms")) / 1000 + 6
        granted = template(found)["spec"]["terminationGracePeriodSeconds"]
        yield granted >= needed, f"{name(found)} may take {needed} s to end, and is given {granted} s"
    for found in of(objects, "ScaledObject"):
        partitions = setting("amqp", "partitions")
        queues = [f"{set_here.get('CHAT__AMQP__PREFIX', '')}chat.writes.{partition}" for partition in range(partitions)]
        asked = [trigger["metadata"]["queueName"] for trigger in found["spec"]["triggers"]]
        yield asked == queues, f"{name(found)} asks for {asked}, and the queues are {queues}"
        yield found["spec"]["maxReplicaCount"] == partitions, f"{name(found)}: {partitions} partitions keep no other number at work"


def safety(objects):
    """No secret is here, every object belongs to a step of the roll-out, and no pod may do more than it must."""
    yield not of(objects, "Secret"), "there is a Secret among the objects"
    for found in objects:
        yield COMPONENT in found["metadata"].get("labels", {}), f"{name(found)} has no label {COMPONENT}: no step of a roll-out applies it"
    for found in of(objects, "Ingress"):
        annotations = found["metadata"].get("annotations", {})
        is_silent = annotations.get("nginx.ingress.kubernetes.io/enable-access-log") == "false"
        yield is_silent, f"{name(found)}: its controller logs tokens and searches"
    for found in of(objects, "Deployment", "Job"):
        pod, own = template(found)["spec"], container(found).get("securityContext", {})
        yield len(pod["containers"]) == 1 and "initContainers" not in pod, f"{name(found)}: only its first container is looked at"
        yield pod["securityContext"]["runAsNonRoot"], f"{name(found)} may run as root"
        yield pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, f"{name(found)} may call anything of the kernel"
        yield pod["automountServiceAccountToken"] is False, f"{name(found)} can ask the cluster's API"
        expected = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        yield own == expected, f"{name(found)}: its container may do more than it must"
        yield set(container(found)["resources"]) == {"requests", "limits"}, f"{name(found)} has no bounds on what it takes"


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text()
    objects = [found for found in yaml.safe_load_all(sys.stdin) if found]
    checks = [*references(objects), *settings(objects, tomllib.loads(text), text), *safety(objects)]
    wrong = [sentence for holds, sentence in checks if not holds]
    print("\n".join(wrong) or f"{len(checks)} statements of {len(objects)} objects agree")
    sys.exit(bool(wrong))
