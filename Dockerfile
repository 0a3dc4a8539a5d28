# The service, as a user without rights, with its data in one volume. How to run it: docs/how-to/docker.md
FROM python:3.12-slim AS build
COPY requirements.txt requirements-cluster.txt ./
# requirements-cluster.txt: with PostgreSQL, Ray and Optuna, for deploy/.
ARG REQUIREMENTS=requirements.txt
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --disable-pip-version-check -r $REQUIREMENTS

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin grpo \
    && install --directory --owner grpo --group grpo --mode 0700 /data
COPY --from=build /venv /venv
WORKDIR /app
COPY run_api.py ./
COPY domain domain
COPY application application
COPY adapters adapters
COPY bootstrap bootstrap
COPY grpo_client grpo_client
# Compiled here, since the user may not write into /app.
RUN python -m compileall -q .
# All addresses, since that is how a published port reaches it; the service does not start there without keys.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GRPO_HOST=0.0.0.0 \
    GRPO_PORT=8000 \
    GRPO_DATA_DIR=/data \
    GRPO_API_KEYS_FILE=/data/keys.json
USER grpo
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['GRPO_PORT'] + '/health/ready', timeout=4)"]
CMD ["python", "run_api.py"]
