/**
 * The image that everybody redeploys: a small web server that ends at SIGTERM at once.
 *
 * So nobody waits for a stop timeout, and what is measured is the work of starting and stopping.
 *
 * @module
 */

import type { ImageSource } from "../../../deploy/sandbox/image_registry.ts";

/** The port it listens on, in the container. */
export const webPort = 8080;

/** Nothing but busybox is in it; it answers `/` with a short page. */
export function benchImage(): ImageSource {
  return {
    name: "bench",
    tag: "v1",
    files: {
      "index.html": "bench\n",
      // A shell that waits runs its traps at once, and the container ends with its first process.
      start: `trap "exit 0" TERM\nhttpd -f -p ${webPort} -h /www & wait $!\n`,
    },
    containerfile: [
      `FROM scratch`,
      `COPY busybox /bin/busybox`,
      `RUN ["/bin/busybox", "--install", "-s", "/bin"]`,
      `COPY index.html /www/index.html`,
      `COPY start /start`,
      `CMD ["/bin/sh", "/start"]`,
      ``,
    ].join("\n"),
  };
}
