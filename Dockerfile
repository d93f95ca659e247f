# The image of cstash where there is an engine: docker build -t ghcr.io/cstash/cstash:VERSION .
# `make image` makes the same one without an engine and without a base image, the same bytes each time.
#
# For another architecture: docker buildx build --platform linux/arm64 .
FROM debian:12-slim AS build
WORKDIR /src
COPY tools/install-deps tools/install-deps
RUN tools/install-deps build rootfs && rm -rf /var/lib/apt/lists/*
COPY . .
RUN make release && tools/rootfs build-release/cstash /image

FROM scratch
COPY --from=build /image /
USER 65532:65532
WORKDIR /
ENV HOME=/tmp PATH=/usr/bin
ENTRYPOINT ["/usr/bin/cstash"]
