"""How soon a run takes its first step and what memory it takes: told by a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from engine import presets
from engine.distilling import STAGE
from engine.presets import Resolved

COMMAND = "import sys; from engine.cli import cli; cli(sys.argv[1:], standalone_mode=True)"


@dataclass(frozen=True)
class Start:
    """Seconds from starting the process to the end of its first step of distilling; peak memory in bytes."""

    seconds: float
    memory: int


def started(resolved: Resolved, folder: Path, cache: Path, sets: list[str]) -> Start:
    """Run one epoch in a process whose cache folder is `cache`. Raises RuntimeError where it fails."""
    preset = folder / "start.yaml"
    preset.write_text(presets.to_yaml(resolved), encoding="utf-8")
    changed = [f"--set={one}" for one in (*sets, "training.epochs=1", "run.report_every=1")]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache), "OMP_WAIT_POLICY": "PASSIVE"}
    begin, first, memory, said = time.perf_counter(), 0.0, 0, ""
    command = [sys.executable, "-c", COMMAND, "train", str(preset), "--runs", str(folder / "runs"), "--json", *changed]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        for said in child.stdout:
            event = json.loads(said)
            if event["event"] == "Step" and event["stage"] == STAGE and not first:
                first = time.perf_counter() - begin
            if event["event"] == "StageEnded" and event["stage"] == STAGE:
                memory = int(event["peak_memory"])
    if child.returncode or not first:
        raise RuntimeError(f"the run of {resolved.experiment.title} that was to be timed ended with {child.returncode}: {said}")
    return Start(first, memory)
