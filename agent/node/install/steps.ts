/**
 * The vocabulary of installing: what there is to do on a machine, as data.
 *
 * Every step can be done again: a run that was cut short is repeated, and finishes.
 *
 * @module
 */

/** One thing done to the machine. */
export type Step =
  /** Runs a program as root. */
  | {
    readonly do: "run";
    readonly argv: readonly string[];
    readonly timeoutMs: number;
    /** Exit codes that are as good as 0. */
    readonly alsoFine?: readonly number[];
  }
  /** Writes a file of root's, and the folders on the way. `@UID@` becomes the number of mcp. */
  | { readonly do: "write"; readonly path: string; readonly text: string }
  /** Removes a file, or a folder with all that is in it; nothing is left to do where it is gone. */
  | { readonly do: "remove"; readonly path: string }
  /** Removes a folder unless somebody has put something into it. */
  | { readonly do: "remove_if_empty"; readonly path: string }
  /** Removes the unpacked programs that no installed one uses at that time. */
  | { readonly do: "remove_unused_runtimes"; readonly folder: string }
  /** Copies an unpacked program; it has its name only when it is complete and on disk. */
  | { readonly do: "copy_runtime"; readonly from: string; readonly to: string }
  /** Copies the registry by the program that is installed now, and writes down which copy it is. */
  | {
    readonly do: "snapshot";
    readonly executable: string;
    readonly config: string;
    readonly record: string;
  }
  /** Puts a program into the place of another in one step. */
  | {
    readonly do: "replace_executable";
    readonly from: string;
    readonly to: string;
    /** The name under which the other is kept; undefined: one is kept that is known to have served. */
    readonly previous: string | undefined;
  }
  /** Makes config, certificate, registry and token, beside their place, and moves them into it. */
  | {
    readonly do: "make_node";
    readonly executable: string;
    readonly staging: string;
    readonly folder: string;
    readonly args: readonly string[];
  }
  /** Writes what the config needs of the agent's unit. */
  | { readonly do: "write_permissions"; readonly path: string; readonly config: string }
  /** Waits until the agent that is started serves; brings the one before back where it cannot. */
  | {
    readonly do: "await_serving";
    readonly config: string;
    readonly executable: string;
    readonly previous: string;
    readonly record: string;
  };

/** One point of a plan: what, why, how it is now, and what it takes. */
export interface Action {
  /** What there is afterwards, e.g. "user mcp". */
  readonly what: string;
  readonly why: string;
  /** How it is now, e.g. "there is none". */
  readonly now: string;
  /** Nothing is done for what is kept. */
  readonly state: "keep" | "change";
  readonly steps: readonly Step[];
}

/** What is to be done, in this order. */
export interface Plan {
  readonly actions: readonly Action[];
  /** What the operator should know besides. */
  readonly notes: readonly string[];
}

/** Runs a program as root, and takes no exit code but 0. */
export function run(timeoutMs: number, ...argv: readonly string[]): Step {
  return { do: "run", argv, timeoutMs };
}

/** What it takes where it is needed; otherwise all is kept as it is. */
export function change(isNeeded: boolean, steps: readonly Step[]): Pick<Action, "state" | "steps"> {
  return isNeeded ? { state: "change", steps } : { state: "keep", steps: [] };
}

/** Whether there is nothing to do. */
export function isDone(plan: Plan): boolean {
  return plan.actions.every(({ state }) => state === "keep");
}

/** A plan for people to read. */
export function planLines({ actions, notes }: Plan): string[] {
  return [
    ...actions.flatMap(({ what, why, now, state }) => [
      `${state.padEnd(6)}  ${what}: ${now}`,
      ...(state === "change" ? [`        ${why}`] : []),
    ]),
    ...notes.map((note) => `note    ${note}`),
  ];
}
