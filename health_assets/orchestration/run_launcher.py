"""Dagster's launcher of runs, which here also finds out whether a run's process is still there.

Dagster's run monitoring then ends a run that was killed; without it, such a run blocks the queue for hours.
"""

import time

from dagster import DagsterRun, DefaultRunLauncher
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus

from health_assets.orchestration.processes import WORKER_TAG, Process, why_it_ended

SECONDS_TO_WAIT = 3.0  # for a run to log its process, which it does as soon as it has started


class CheckedRunLauncher(DefaultRunLauncher):
    """The default launcher with a check of the workers; see dagster.yaml."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launch a run, and remember its process while it is certainly the one that the log names."""
        super().launch_run(context)
        until = time.monotonic() + SECONDS_TO_WAIT
        while not self._remember(context.dagster_run) and time.monotonic() < until:
            time.sleep(0.1)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Called by Dagster's run monitoring for each run that has started."""
        if ended := why_it_ended(run, self._instance, by_daemon=True):
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, ended)
        self._remember(run)
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def _remember(self, run: DagsterRun) -> bool:
        """Whether the log names the process by now."""
        process = Process.of(run, self._instance)
        if process and process.start is None and (seen := process.with_start()):
            self._instance.add_run_tags(run.run_id, seen.tag(WORKER_TAG))
        return process is not None
