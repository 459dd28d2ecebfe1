# One image, two commands: `web` (the default) and `worker`. See compose.yaml and the README.

FROM python:3.11-slim AS packages
RUN python -m venv /venv
COPY requirements.txt /
RUN /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /requirements.txt

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data rapport && install --directory --owner rapport /data
COPY --from=packages /venv /venv
COPY asgi.py /app/
COPY app /app/app
COPY models /app/models
COPY resolvers /app/resolvers
COPY workers /app/workers
WORKDIR /app
RUN /venv/bin/python -m compileall -q .
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RAPPORT_HOST=0.0.0.0 \
    RAPPORT_PORT=8000 \
    RAPPORT_DATA_DIR=/data \
    RAPPORT_DEMO=false \
    RAPPORT_LOG_FORMAT=json
USER rapport
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"RAPPORT_PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["python", "-m", "app.cli"]
CMD ["web"]
