# The Kamerplanter server on SQLite, as a user without rights.
FROM python:3.14-slim AS build
WORKDIR /src
RUN python -m venv /opt/kamerplanter
COPY pyproject.toml README.md LICENSE ./
COPY kamerplanter_backend kamerplanter_backend
COPY kamerplanter_engines kamerplanter_engines
RUN /opt/kamerplanter/bin/pip install --no-cache-dir ".[server]"

FROM python:3.14-slim
COPY --from=build /opt/kamerplanter /opt/kamerplanter
RUN useradd --system --uid 10001 --no-create-home kamerplanter \
    && install --directory --owner=kamerplanter --group=kamerplanter --mode=0700 /data
USER kamerplanter
ENV PATH=/opt/kamerplanter/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    KAMERPLANTER_STORE=sqlite:////data/garden.db \
    KAMERPLANTER_LISTEN_EVERYWHERE=true
VOLUME /data
EXPOSE 8075
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8075/api/v1/health/ready', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["kamerplanter-server"]
CMD ["serve"]
