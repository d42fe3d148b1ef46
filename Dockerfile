# kaos in one image: the server (`kaos up --no-worker`), the worker (`kaos worker`), the command.
#
#   docker build -t kaos:2.0.0 .
#
# Two builds of one commit hold the same files with the same times: the lock names every package,
# nothing is run in the second stage, and every file has the time SOURCE_DATE_EPOCH. Only the folders
# that the builder makes itself (/opt, /var/lib) are dated by it, unless BuildKit is told
# `--output type=image,rewrite-timestamp=true`. Hosts that pull from elsewhere name their own
# BASE_IMAGE: a Linux with Node 24 and npm.
ARG BASE_IMAGE=node:24.21.0-bookworm-slim

FROM ${BASE_IMAGE} AS build
ARG SOURCE_DATE_EPOCH=0
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
# What `npm pack` makes is what is published: JavaScript, templates, no sources.
RUN npm pack --pack-destination /tmp \
 && mkdir -p /out/opt/kaos/bin /out/var/lib/kaos \
 && tar -xzf /tmp/kaos-ml-*.tgz --strip-components=1 -C /out/opt/kaos \
 && cp package-lock.json /out/opt/kaos/ \
 && cd /out/opt/kaos \
 && npm ci --omit=dev --ignore-scripts --prefer-offline \
 && rm -f node_modules/.package-lock.json \
 && find node_modules -name '*.map' -delete -o -name '*.d.ts' -delete -o -name '*.d.[mc]ts' -delete \
 && chmod +x dist/cli/kaos.js \
 && ln -s ../dist/cli/kaos.js bin/kaos \
 && find /out -exec touch -h -d "@${SOURCE_DATE_EPOCH}" {} +

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="kaos" \
      org.opencontainers.image.description="A self-hosted registry for machine learning that remembers how everything was made" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/opt /opt
# A volume that is mounted here begins with this owner.
COPY --from=build --chown=10001:10001 /out/var/lib/kaos /var/lib/kaos
ENV HOME=/var/lib/kaos \
    KAOS_DATA=/var/lib/kaos \
    NODE_ENV=production \
    SHELL=/bin/sh \
    PATH=/opt/kaos/bin:${PATH}
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.KAOS_PORT || 8080}/healthz`).then(a => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["kaos"]
CMD ["up"]
