# The pipeline, and with --target demo also the upstream systems of the demo. docs/containers.md says how they run.
ARG BASE=base

# One tag for every stage, in a FROM: dependency updates see it there. --build-arg BASE=image@sha256:... takes its place.
FROM python:3.12-slim-bookworm AS base

FROM ${BASE} AS packages
COPY .ci/uv.txt /tmp/uv.txt
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore --require-hashes --requirement /tmp/uv.txt
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app
COPY pyproject.toml uv.lock ./
# Headers and the libraries' own tests are a tenth of it, and nothing that runs reads them.
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-default-groups --compile-bytecode \
    && for part in pandas/tests pyarrow/tests pyarrow/include pyarrow/src; do rm -r .venv/lib/python3*/site-packages/$part; done

# Who may vouch for Redshift (the driver's own file) and for an RDS. Only them: every other connection has its own list.
FROM packages AS authorities
ARG RDS_BUNDLE=https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
# hadolint ignore=DL3020
ADD ${RDS_BUNDLE} /etc/millrace/rds.pem
RUN cat .venv/lib/python3*/site-packages/redshift_connector/files/redshift-ca-bundle.crt /etc/millrace/rds.pem \
      > /etc/millrace/authorities.pem \
    && python -c "import ssl; ssl.create_default_context(cafile='/etc/millrace/rds.pem')" \
    && chmod 644 /etc/millrace/authorities.pem

FROM ${BASE} AS code
WORKDIR /app
COPY LICENSE errors.py pyproject.toml runner.py settings.py ./
COPY dlt_sources dlt_sources
COPY foundation foundation
COPY runtime runtime
COPY soda_checks soda_checks
COPY sqlmesh_project sqlmesh_project
COPY superset/cli.py superset/choice.py superset/
COPY warehouse warehouse
# Bytecode is made here, because nothing can be written there; SQLMesh's command line wants to log beside the project.
RUN python -m compileall -q --invalidation-mode unchecked-hash . \
    && ln -s /tmp logs

FROM ${BASE} AS pipeline
RUN groupadd --gid 10001 millrace \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin millrace \
    && install -d -o 10001 -g 10001 /data /data/superset \
    && python -m pip uninstall --yes --quiet --root-user-action=ignore pip
COPY --from=authorities /etc/millrace/authorities.pem /etc/millrace/authorities.pem
COPY --from=packages /app/.venv /app/.venv
COPY --from=code /app /app
# A fixed hash seed: dlt writes its state in the order of a set, and a new order would be a load of its own.
ENV PATH=/app/.venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONHASHSEED=0 \
    PYTHONUNBUFFERED=1 \
    ELT_DATA_DIR=/data \
    ELT_CA_FILE=/etc/millrace/authorities.pem
WORKDIR /app
USER 10001:10001
# Fargate gives a mounted folder the owner and the mode that it has here; of /tmp, too.
VOLUME ["/data", "/tmp"]
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s --retries=3 CMD ["python", "-m", "runtime.health"]
ENTRYPOINT ["python", "runner.py"]
CMD ["run"]

FROM pipeline AS demo
USER 0:0
COPY pyproject.toml uv.lock ./
RUN --mount=type=bind,from=packages,source=/usr/local/bin/uv,target=/usr/local/bin/uv \
    --mount=type=cache,target=/root/.cache/uv \
    UV_LINK_MODE=copy uv sync --frozen --no-default-groups --group demo --compile-bytecode
COPY demo demo
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-m", "demo.upstream", "--well"]
ENTRYPOINT ["python", "-m", "demo.upstream"]
CMD []

FROM pipeline AS runner
