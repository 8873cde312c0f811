"""What the programs of a release are made of: the crates that are linked into them, and those that only help to build them, as cargo
resolves them for the machine that this runs on. Reads Cargo.lock and what cargo says; builds nothing."""

import json
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = ("api", "ingest", "consumer", "chatctl")


@dataclass(frozen=True)
class Crate:
    """A crate in one version. `linked`: some of its code may be in the programs. `sha256`: of its package; None where it is ours."""

    name: str
    version: str
    license: str
    description: str
    repository: str | None
    directory: Path
    sha256: str | None
    linked: bool
    needs: tuple[tuple[str, str], ...]

    @property
    def ours(self) -> bool:
        return self.sha256 is None


def said_by(*command: str) -> str:
    """What a command prints, run in the checkout."""
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def target() -> str:
    """The machine that programs are built for."""
    return next(line.removeprefix("host: ") for line in said_by("rustc", "-vV").splitlines() if line.startswith("host: "))


def workspace_version() -> str:
    """The version of all that is ours."""
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


def crates() -> list[Crate]:
    """All of them, by name and version."""
    built, linked = _tree("normal,build"), _tree("normal,no-proc-macro")
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    sums = {(package["name"], package["version"]): package.get("checksum") for package in locked}
    told = json.loads(said_by("cargo", "metadata", "--format-version=1", "--locked", "--filter-platform", target()))
    packages = {package["id"]: package for package in told["packages"]}
    found = []
    for node in told["resolve"]["nodes"]:
        package = packages[node["id"]]
        if (key := _key(package)) not in built:
            continue
        needed = (_key(packages[edge["pkg"]]) for edge in node["deps"] if any(kind["kind"] != "dev" for kind in edge["dep_kinds"]))
        found.append(
            Crate(
                name=package["name"],
                version=package["version"],
                # As crates spelt it before there were expressions.
                license=" OR ".join(part.strip() for part in package["license"].split("/")),
                description=" ".join((package["description"] or "").split()),
                repository=package["repository"],
                directory=Path(package["manifest_path"]).parent,
                sha256=sums[key],
                linked=key in linked,
                needs=tuple(sorted(set(needed) & built)),
            )
        )
    assert built == {(crate.name, crate.version) for crate in found}, "cargo tree and cargo metadata differ"
    return sorted(found, key=lambda crate: (crate.name, crate.version))


def _key(package: dict) -> tuple[str, str]:
    return package["name"], package["version"]


def _tree(edges: str) -> set[tuple[str, str]]:
    """What cargo's tree of the programs has, with the features that they are built with, by these kinds of edges."""
    command = ["cargo", "tree", "--locked", "--edges", edges, "--target", target(), "--prefix", "none", "--format", "{p}"]
    lines = said_by(*command, *(f"--package={program}" for program in PROGRAMS)).splitlines()
    return {(name, version.removeprefix("v")) for name, version, *_ in (line.split() for line in lines if line)}
