# syntax=docker/dockerfile:1
# lwtui in a container: the app, lwtui serve, lwtui bench and lwtui train.
#
#   docker build -t lwtui .                                        # on CPUs
#   docker build -t lwtui:cuda --build-arg ACCELERATOR=cuda .      # on NVIDIA GPUs
#   docker build -t lwtui:train --build-arg ACCELERATOR=cuda --build-arg EXTRAS=demo,export,serve,bench,train .
#
#   docker run -it --rm -v lwtui:/data lwtui
#   docker run --rm -p 127.0.0.1:8000:8000 -v lwtui:/data -e LWTUI_SERVE_TOKEN=… lwtui serve --host 0.0.0.0
#   docker run --rm -v lwtui:/data lwtui bench run --help
ARG ACCELERATOR=cpu
ARG PYTHON=3.13
ARG CUDA=12.8.1

FROM python:${PYTHON}-slim-bookworm AS base-cpu
FROM nvidia/cuda:${CUDA}-devel-ubuntu24.04 AS base-cuda
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3 python3-venv \
    && ln -sf /usr/bin/python3 /usr/local/bin/python \
    && rm -rf /var/lib/apt/lists/*

# hadolint ignore=DL3006
FROM base-${ACCELERATOR} AS build
ARG ACCELERATOR
ARG EXTRAS=local,demo,export,serve,bench,anthropic,mcp
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends build-essential cmake git \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/lwtui
COPY packaging/llama_cpp.cmake packaging/docker_install.sh /src/packaging/
COPY pyproject.toml README.md LICENSE constraints.txt /src/
COPY lwtui /src/lwtui
COPY bench/lwtui_bench /src/bench/lwtui_bench
COPY training/lwtui_training /src/training/lwtui_training
# llama.cpp is compiled for every processor of the kind, not only for the one that builds.
RUN --mount=type=cache,target=/root/.cache/pip sh /src/packaging/docker_install.sh "$ACCELERATOR" "$EXTRAS"

FROM python:${PYTHON}-slim-bookworm AS runtime-cpu
FROM nvidia/cuda:${CUDA}-runtime-ubuntu24.04 AS runtime-cuda
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3 \
    && ln -sf /usr/bin/python3 /usr/local/bin/python \
    && rm -rf /var/lib/apt/lists/*

# hadolint ignore=DL3006
FROM runtime-${ACCELERATOR}
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends libgomp1 nano \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 lwtui \
    && install -d -o lwtui -g lwtui /data/documents /data/config /data/cache /data/state
COPY --from=build /opt/lwtui /opt/lwtui
ENV PATH=/opt/lwtui/bin:$PATH \
    LANG=C.UTF-8 \
    COLORTERM=truecolor \
    LWTUI_CONFIG_DIR=/data/config \
    LWTUI_CACHE_DIR=/data/cache \
    LWTUI_STATE_DIR=/data/state \
    XDG_DOCUMENTS_DIR=/data/documents
USER lwtui
WORKDIR /data/documents
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["lwtui"]
