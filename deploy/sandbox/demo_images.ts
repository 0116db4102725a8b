/**
 * The images of the demo: a small web server in three versions, the last one broken, and a clock
 * beside it.
 *
 * Nothing but busybox is in them. Their first process is a shell that ends on SIGTERM, because
 * busybox's own programs ignore it as first process and `podman stop` would wait its full time.
 *
 * @module
 */

import type { ImageSource } from "./image_registry.ts";

/** Serves a page naming its version on port 8080, and what is mounted at /data under /data/. */
export function helloWeb(tag: "v1" | "v2"): ImageSource {
  return {
    name: "hello-web",
    tag,
    files: {
      "index.html":
        `<!doctype html>\n<title>hello-web</title>\n<p>Hello from hello-web ${tag}</p>\n`,
      start: untilTerminated("httpd -f -p 8080 -h /www", [
        `echo "hello-web ${tag} listens on port 8080"`,
      ]),
    },
    containerfile: [
      ...busyboxBase,
      `COPY index.html /www/index.html`,
      `RUN ["/bin/ln", "-s", "/data", "/www/data"]`,
      `EXPOSE 8080`,
      ...startLast,
    ].join("\n"),
  };
}

/** A version that cannot work: it ends as soon as it has begun. */
export function brokenWeb(): ImageSource {
  return {
    name: "hello-web",
    tag: "v3",
    files: { start: 'echo "cannot read /etc/hello.conf" >&2\nexit 3\n' },
    containerfile: [...busyboxBase, ...startLast].join("\n"),
  };
}

/** Writes the time into /data/clock.txt every second. */
export function helloClock(): ImageSource {
  return {
    name: "hello-clock",
    tag: "v1",
    files: {
      start: untilTerminated("while :; do tick; sleep 1; done", [
        // Renamed into place, so that nobody ever reads half a line.
        "tick() { date >/data/clock.new && mv /data/clock.new /data/clock.txt; }",
      ]),
    },
    containerfile: [...busyboxBase, ...startLast].join("\n"),
  };
}

const busyboxBase = [
  `FROM scratch`,
  `COPY busybox /bin/busybox`,
  `RUN ["/bin/busybox", "--install", "-s", "/bin"]`,
];

const startLast = [`COPY start /start`, `CMD ["/bin/sh", "/start"]`, ``];

/** A script whose shell waits, for only a waiting shell runs its traps at once. */
function untilTerminated(command: string, before: readonly string[] = []): string {
  return [...before, `trap "exit 0" TERM`, `{ ${command}; } &`, `wait $!`, ``].join("\n");
}
