/**
 * Small images whose containers do what a shell script says; nothing but busybox is in them.
 *
 * @module
 */

import { type ImageRegistry, publishImage } from "../../deploy/sandbox/image_registry.ts";

/** Shell scripts for {@link ScriptImages}. */
export const scripts = {
  /** Runs until it is stopped, and stops at once: a shell that waits runs its traps. */
  stays: `trap "exit 0" TERM\nwhile :; do sleep 1000; done & wait $!\n`,
  /** Does not hear SIGTERM: a first process ignores what it does not ask for. */
  ignoresStop: `while :; do sleep 1000; done\n`,
  /** Each argument in a line of its own. */
  prints: `for argument; do echo "$argument"; done\n`,
} as const;

/** Makes images that run a script with the container's arguments. */
export class ScriptImages {
  readonly #registry: ImageRegistry;
  readonly #base: string;

  private constructor(registry: ImageRegistry, base: string) {
    this.#registry = registry;
    this.#base = base;
  }

  /** On what was made in common for another one, with the same registry. */
  static on(registry: ImageRegistry, base: string): ScriptImages {
    return new ScriptImages(registry, base);
  }

  /** Makes what they have in common; that stays on the node, so that each is made quickly. */
  static async start(registry: ImageRegistry): Promise<ScriptImages> {
    const base = await publishImage(registry, {
      name: "base",
      tag: "v1",
      files: {},
      containerfile: [
        `FROM scratch`,
        `COPY busybox /bin/busybox`,
        `RUN ["/bin/busybox", "--install", "-s", "/bin"]`,
        ``,
      ].join("\n"),
    });
    return new ScriptImages(registry, base);
  }

  /** The name of what they have in common. */
  get base(): string {
    return this.#base;
  }

  /** Puts an image into the registry, and only there; gives its name. */
  async publish(name: string, tag: string, script: string): Promise<string> {
    return await publishImage(this.#registry, {
      name,
      tag,
      files: { script },
      containerfile: [
        `FROM ${this.#base}`,
        `COPY script /script`,
        `ENTRYPOINT ["/bin/sh", "/script"]`,
        ``,
      ].join("\n"),
    });
  }
}
