# The service in a container: no test tools, no compiler, no pip, not root. Stores run beside it, see
# docker-compose.yml. Everything installed is locked by hash.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements.txt ./
RUN python -m venv /tools && /tools/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY requirements-service.txt ./
RUN python -m venv --without-pip /opt/akutoverblik \
    && /tools/bin/pip --python /opt/akutoverblik/bin/python install --no-cache-dir --require-hashes -r requirements-service.txt
COPY pyproject.toml README.md LICENSE ./
COPY capacity ./capacity
COPY feeds ./feeds
COPY web ./web
COPY simulators ./simulators
RUN /tools/bin/python -m build --wheel --no-isolation --outdir /wheels \
    && /tools/bin/pip --python /opt/akutoverblik/bin/python install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 akutoverblik \
    && useradd --system --uid 10001 --gid akutoverblik --home-dir /data --shell /usr/sbin/nologin akutoverblik \
    && install --directory --owner=akutoverblik --group=akutoverblik --mode=0750 /data
COPY --from=build /opt/akutoverblik /opt/akutoverblik
ENV PATH=/opt/akutoverblik/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    AKUTOVERBLIK_DATA=/data \
    AKUTOVERBLIK_HOST=0.0.0.0 \
    AKUTOVERBLIK_PORT=8000
USER akutoverblik
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["akutoverblik", "serve"]
