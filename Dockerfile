# One build, three small images: api, ingest, consumer (which also holds chatctl, the operator's command).
ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked --package api --package ingest --package consumer --package chatctl \
    && mkdir /out \
    && cp target/dist/api target/dist/ingest target/dist/consumer target/dist/chatctl /out/

FROM ${RUNTIME_IMAGE} AS runtime
RUN useradd --system --uid 10001 --no-create-home chat
USER 10001

FROM runtime AS api
COPY --from=build /out/api /usr/local/bin/
EXPOSE 3000
ENTRYPOINT ["api"]

FROM runtime AS ingest
COPY --from=build /out/ingest /usr/local/bin/
EXPOSE 8080
ENTRYPOINT ["ingest"]

FROM runtime AS consumer
COPY --from=build /out/consumer /out/chatctl /usr/local/bin/
EXPOSE 9090
ENTRYPOINT ["consumer"]
