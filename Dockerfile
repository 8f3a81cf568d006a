# The Kamerplanter server on SQLite, as a user without rights.
FROM python:3.14-slim AS build
WORKDIR /src
RUN python -m venv /opt/kamerplanter
# The versions that the tests ran with; a layer of its own, as they change seldom.
COPY requirements-server.lock ./
RUN /opt/kamerplanter/bin/pip install --no-cache-dir --require-hashes -r requirements-server.lock
COPY pyproject.toml README.md LICENSE ./
COPY kamerplanter_backend kamerplanter_backend
COPY kamerplanter_engines kamerplanter_engines
RUN /opt/kamerplanter/bin/pip install --no-cache-dir --no-deps .

FROM python:3.14-slim
COPY --from=build /opt/kamerplanter /opt/kamerplanter
RUN useradd --system --uid 10001 --no-create-home kamerplanter \
    && install --directory --owner=kamerplanter --group=kamerplanter --mode=0700 /data
USER kamerplanter
WORKDIR /data
# It listens on the container's own addresses; who gets there is said where ports are published.
ENV PATH=/opt/kamerplanter/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    KAMERPLANTER_STORE=sqlite:////data/garden.db \
    KAMERPLANTER_LISTEN_EVERYWHERE=true
VOLUME /data
EXPOSE 8075
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('KAMERPLANTER_PORT', '8075') + '/api/v1/health/ready', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["kamerplanter-server"]
CMD ["serve"]
