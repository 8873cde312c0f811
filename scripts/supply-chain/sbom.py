"""Prints the bill of materials of the programs, in CycloneDX 1.6: every crate with its checksum and licence, whether it is linked or only
helps to build, and what needs what; with them what else is linked. The same for the same commit: its time is that of the commit
(or SOURCE_DATE_EPOCH), and nothing tells of the machine."""

import json
import os
import uuid
from datetime import datetime, timezone
from urllib.parse import quote

from crates import PROGRAMS, Crate, crates, said_by, target, workspace_version


def reference(name: str, version: str, ours: bool) -> str:
    """What a component is called within the document. Ours have no package URL: crates.io may know another of that name."""
    return f"chat/{name}" if ours else f"pkg:cargo/{name}@{quote(version, safe='.-')}"


def component(crate: Crate, references: dict) -> dict:
    """A crate."""
    told = {
        "type": "application" if crate.ours and crate.name in PROGRAMS else "library",
        "bom-ref": references[crate.name, crate.version],
        "name": crate.name,
        "version": crate.version,
        "description": crate.description,
        "scope": "required" if crate.linked else "excluded",
        "licenses": [{"expression": crate.license}],
    }
    if not crate.ours:
        told["purl"] = told["bom-ref"]
        told["hashes"] = [{"alg": "SHA-256", "content": crate.sha256}]
    if crate.repository:
        told["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    return told


def linked_besides() -> list[dict]:
    """What is linked and is no crate: Rust's standard library and, for programs are static, C's and the compiler's."""
    rust = said_by("rustc", "--version").split()[1]
    glibc = said_by("ldd", "--version").splitlines()[0].split()[-1]
    gcc = said_by("cc", "-dumpfullversion").strip()
    return [
        {
            "type": "library",
            "bom-ref": f"pkg:generic/{name}@{version}",
            "purl": f"pkg:generic/{name}@{version}",
            "name": name,
            "version": version,
            "description": description,
            "scope": "required",
            "licenses": [{"expression": licence}],
        }
        for name, version, description, licence in (
            ("glibc", glibc, "The GNU C library.", "LGPL-2.1-or-later"),
            ("libgcc", gcc, "The runtime library of GCC.", "GPL-3.0-or-later WITH GCC-exception-3.1"),
            ("rust-std", rust, "The standard library of Rust.", "MIT OR Apache-2.0"),
        )
    ]


def document() -> dict:
    """All of it."""
    version, commit = workspace_version(), said_by("git", "rev-parse", "HEAD").strip()
    written = int(os.environ.get("SOURCE_DATE_EPOCH") or said_by("git", "log", "-1", "--format=%ct"))
    parts, others = crates(), linked_besides()
    references = {(crate.name, crate.version): reference(crate.name, crate.version, crate.ours) for crate in parts}
    needs = [{"ref": references[crate.name, crate.version], "dependsOn": [references[key] for key in crate.needs]} for crate in parts]
    programs = [references[program, version] for program in PROGRAMS]
    runtime = [other["bom-ref"] for other in others]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"chat/{commit}/{target()}").urn,
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(written, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": "chat",
                "name": "chat",
                "version": version,
                "description": "A backend for chat.",
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
            },
            "properties": [
                {"name": "cdx:rustc:sbom:target:triple", "value": target()},
                {"name": "chat:commit", "value": commit},
            ],
        },
        "components": [component(crate, references) for crate in parts] + others,
        "dependencies": [{"ref": "chat", "dependsOn": [*programs, *runtime]}, *needs, *({"ref": ref} for ref in runtime)],
    }


print(json.dumps(document(), indent=1, ensure_ascii=False))
