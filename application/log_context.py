"""What a log line is about: set while a request is answered or a job is trained, read by whoever writes logs."""

from contextvars import ContextVar

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
job_id: ContextVar[str | None] = ContextVar("job_id", default=None)
