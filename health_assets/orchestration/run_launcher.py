"""Dagster's launcher of runs, which here also finds out whether a run's process is still there.

Dagster's run monitoring then ends a run that was killed; without it, such a run blocks the queue for hours.
"""

from dagster import DagsterRun, DefaultRunLauncher
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus

from health_assets.orchestration.processes import WORKER_TAG, Process, why_it_ended


class CheckedRunLauncher(DefaultRunLauncher):
    """The default launcher with a check of the workers; see dagster.yaml."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Launch a run, and remember its process while it is certainly the one that the log names."""
        super().launch_run(context)
        self._remember(context.dagster_run)

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

    def _remember(self, run: DagsterRun) -> None:
        process = Process.of(run, self._instance)
        if process and process.start is None and (seen := process.with_start()):
            self._instance.add_run_tags(run.run_id, seen.tag(WORKER_TAG))
