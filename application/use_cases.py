"""Everything that the service can do, as one value for the adapters that offer it."""

from dataclasses import dataclass

from application.catalogue import ListEnvironments, ListRewardFunctions
from application.evaluation import EvaluateModel, ReplayModel
from application.inference import Predict
from application.models import DeleteModel, GetModel, ListModels
from application.play import Plays
from application.portable import ExportModel, ImportModel
from application.statistics import GetStatistics
from application.sweeps import GetSweep, ListSweeps, ResumeSweep, StartSweep, StopSweep
from application.system import GetHealth, GetReadiness
from application.training import GetStatus, ListJobs, ResumeTraining, StartTraining, StopTraining
from application.watching import FollowJob, GetHistory


@dataclass(frozen=True)
class UseCases:
    """Each is called like a function and is safe to call from several threads."""

    start_training: StartTraining
    stop_training: StopTraining
    resume_training: ResumeTraining
    start_sweep: StartSweep
    get_sweep: GetSweep
    list_sweeps: ListSweeps
    stop_sweep: StopSweep
    resume_sweep: ResumeSweep
    get_status: GetStatus
    list_jobs: ListJobs
    get_history: GetHistory
    follow_job: FollowJob
    predict: Predict
    list_models: ListModels
    get_model: GetModel
    delete_model: DeleteModel
    export_model: ExportModel
    import_model: ImportModel
    evaluate_model: EvaluateModel
    replay_model: ReplayModel
    plays: Plays
    list_environments: ListEnvironments
    list_reward_functions: ListRewardFunctions
    get_health: GetHealth
    get_readiness: GetReadiness
    get_statistics: GetStatistics
