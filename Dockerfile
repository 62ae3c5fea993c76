# The container of offboardd. Needs BuildKit (`docker build`) or `buildah bud`; nothing else.
#
#   docker build -t offboardd .
#   docker run --rm --read-only offboardd demo --once
#   docker run -d --read-only -v offboardd:/data -v ./offboardd.toml:/etc/offboardd/offboardd.toml:ro \
#     -p 8080:8080 -p 127.0.0.1:9090:9090 offboardd
#
# In the settings, `server.webhooks` and `server.admin` must be 0.0.0.0:8080 and 0.0.0.0:9090: loopback inside a
# container is out of reach of its published ports.

# Name the image by digest to pin it (docs/operations.md).
ARG BUILD_IMAGE=docker.io/library/rust:1.95-slim-trixie

# The slim image has all that we compile C with (SQLite, aws-lc): gcc and libc6-dev; no cmake is needed.
FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY . .
# `offboardd --version` shows it: docker build --build-arg REVISION="$(git rev-parse --short HEAD)"
ARG REVISION=
# The caches outlive this step but are no part of any layer, hence the copy to /out. They also outlive the tree they were
# filled from, and cargo trusts modification times, so `touch` keeps it from taking another checkout's build for this one's.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    find . -path ./target -prune -o -type f -exec touch {} + \
    && export ${REVISION:+OFFBOARDD_REVISION="$REVISION"} \
    && RUSTFLAGS="--remap-path-prefix=/src=. --remap-path-prefix=/usr/local/cargo=cargo" \
       cargo build --release --locked --bin offboardd \
    && install -D target/release/offboardd /out/usr/local/bin/offboardd
# What the program needs at run time, and nothing else: the C library that it was linked with, certificates, name lookup.
# For a private certificate authority, mount a bundle and name it in SSL_CERT_FILE.
RUN for library in $(ldd /out/usr/local/bin/offboardd | grep -o '/[^ ]*'); do install -D "$library" "/out$library"; done \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt \
    && install -D -m 0644 LICENSE /out/usr/share/doc/offboardd/LICENSE \
    && echo 'hosts: files dns' > /out/etc/nsswitch.conf \
    && echo 'offboardd:x:65532:65532::/data:' > /out/etc/passwd \
    && echo 'offboardd:x:65532:' > /out/etc/group \
    && install -d -o 65532 -g 65532 -m 0700 /data

# No base image: no shell, no package manager, and nothing to update but this file's build image.
FROM scratch
COPY --from=build /out /
# A new volume takes over this owner and mode; a directory of the host's must be given to 65532 by hand.
COPY --from=build --chown=65532:65532 /data /data

# By number, so that Kubernetes' runAsNonRoot can verify that it is not root.
USER 65532:65532
# Relative paths (`sqlite:offboardd.db`, the key beside it) end up in the volume, as do temporary files:
# nothing else has to be writable.
WORKDIR /data
VOLUME /data
ENV PATH=/usr/local/bin OFFBOARDD_CONFIG=/etc/offboardd/offboardd.toml TMPDIR=/data
# 8080 takes webhooks from the internet; 9090 (console, API, metrics) is for the inside only.
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["offboardd", "healthcheck"]
ENTRYPOINT ["offboardd"]
CMD ["serve"]

ARG REVISION=unknown
LABEL org.opencontainers.image.title="offboardd" \
      org.opencontainers.image.description="Turns a signed \"this person left\" webhook into the revocation or deletion of a Jira Service Management portal-only customer" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$REVISION"
