/**
 * Rollouts under way and those that have just ended, by their ids: who asks for the same twice is
 * told what came of the first, and whoever wants to may watch.
 *
 * A rollout belongs to the node once it has begun: nobody who watches has to stay.
 *
 * @module
 */

import { McpError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import { beginOperation, endOperation, findOperation } from "../../registry/operations.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ComponentOutcome, ProgressEvent } from "./execute.ts";
import type { DeployResult, Watcher } from "./deploy.ts";

/** One step of a rollout, or how a component or all of it ended. */
interface RolloutEvent {
  /** From 1 on, without gaps. */
  readonly sequence: number;
  readonly at: Date;
  /** Empty = about the whole rollout. */
  readonly component: string;
  readonly kind: "begun" | "step" | "progress" | "probe" | "component_ended" | "ended";
  readonly text: string;
  /** With "begun" and "ended". */
  readonly revision: number;
  /** With "component_ended": its outcome; with "ended": all of them, in the order of the plan. */
  readonly outcomes: readonly ComponentOutcome[];
}

/** What a rollout is asked for. */
interface OperationRequest {
  /** Empty = the agent chooses. */
  readonly id: string;
  readonly service: string;
  /** Stands for what is asked: the same id with another one is a mistake. */
  readonly fingerprint: string;
  readonly run: (watcher: Watcher) => Promise<DeployResult>;
}

interface OperationsOptions {
  readonly registry: Registry;
  readonly clock: Pick<Clock, "now">;
}

/** How long a rollout that has ended can still be watched from its first step on. */
const watchableMs = 3_600_000;
/** Operations that are kept in memory; of more, the oldest that have ended are let go. */
const mostKept = 200;
/** Events of one rollout; beyond, nothing is told but how components ended. */
const mostEvents = 2_000;
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Begins rollouts, and keeps them. */
export class Operations {
  readonly #options: OperationsOptions;
  /** In the order in which they began. */
  readonly #kept = new Map<string, Operation>();

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /**
   * Begins a rollout, or gives the one that was begun by the same id.
   *
   * @throws {McpError} `conflict` when the id stands for something else; whatever keeps the rollout
   *   from beginning.
   */
  async begin(request: OperationRequest): Promise<Operation> {
    this.#forget();
    if (request.id !== "" && !idPattern.test(request.id)) {
      throw new McpError(
        "invalid",
        `Cannot begin an operation ${
          JSON.stringify(request.id)
        }: its id is of at most 64 letters, digits, ".", "_" and "-"`,
      );
    }
    const id = request.id === "" ? crypto.randomUUID() : request.id;
    const known = this.#kept.get(id) ?? this.#recall(id);
    if (known !== undefined && known.fingerprint !== request.fingerprint) {
      throw new McpError(
        "conflict",
        `Cannot begin operation ${id}: it stands for something else that was asked for ${known.service}`,
        { hint: "Ask with another operation id" },
      );
    }
    if (known !== undefined && known.state !== "interrupted") {
      await known.begun;
      return known;
    }
    const operation = new Operation({ ...request, id }, this.#options);
    this.#kept.delete(id);
    this.#kept.set(id, operation);
    try {
      operation.start(request.run);
      await operation.begun;
    } catch (error) {
      this.#kept.delete(id);
      throw error;
    }
    return operation;
  }

  /**
   * Finds a rollout to watch.
   *
   * @param id Empty = the latest of the service.
   * @throws {McpError} `not_found` when there is none.
   */
  async find(id: string, service: string): Promise<Operation> {
    this.#forget();
    const latest = [...this.#kept.values()].filter((one) => one.service === service).at(-1);
    const found = id === "" ? latest : this.#kept.get(id) ?? this.#recall(id);
    if (found === undefined) {
      const what = id === "" ? `rollout of "${service}"` : `operation ${id}`;
      throw new McpError("not_found", `There is no ${what} to watch`, {
        hint: service === "" ? "Run `mcp status`" : `Run \`mcp status ${service}\``,
      });
    }
    await found.begun;
    return found;
  }

  /** An operation that an earlier run of the agent began. */
  #recall(id: string): Operation | undefined {
    const record = findOperation(this.#options.registry, id);
    if (record === undefined) return undefined;
    const { service, request: fingerprint, revision, endedAt } = record;
    const operation = new Operation({ id, service, fingerprint }, this.#options);
    if (endedAt === undefined) operation.interrupt();
    else operation.replay(revision, JSON.parse(record.results), endedAt);
    return operation;
  }

  #forget(): void {
    const now = this.#options.clock.now().getTime();
    for (const [id, { endedAt }] of this.#kept) {
      if (endedAt === undefined) continue;
      if (now - endedAt.getTime() > watchableMs || this.#kept.size > mostKept) {
        this.#kept.delete(id);
      }
    }
  }
}

/** One rollout, from its beginning to an hour after its end. */
export class Operation {
  readonly id: string;
  readonly service: string;
  readonly fingerprint: string;
  readonly #options: OperationsOptions;
  readonly #events: RolloutEvent[] = [];
  readonly #begun = Promise.withResolvers<void>();
  #change = Promise.withResolvers<void>();
  #state: "running" | "ended" | "interrupted" = "running";
  #failure: unknown;
  #result: DeployResult | undefined;
  #endedAt: Date | undefined;

  constructor(
    request: Pick<OperationRequest, "id" | "service" | "fingerprint">,
    options: OperationsOptions,
  ) {
    this.id = request.id;
    this.service = request.service;
    this.fingerprint = request.fingerprint;
    this.#options = options;
    // Told to who waits for it; nobody needs to.
    this.#begun.promise.catch(() => {});
  }

  /** Resolves when the intent is written; rejects with what kept it from that. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  get state(): "running" | "ended" | "interrupted" {
    return this.#state;
  }

  get endedAt(): Date | undefined {
    return this.#endedAt;
  }

  /** Begins; what comes of it is told to who watches. */
  start(run: OperationRequest["run"]): void {
    run(this.#watcher()).then(
      (result) => this.#end("ended", { result }),
      (failure) => this.#end("interrupted", { failure }),
    );
  }

  /** Takes it for one that never ended. */
  interrupt(): void {
    this.#begun.resolve();
    this.#end("interrupted", {
      failure: new McpError("conflict", `Operation ${this.id} was interrupted`, {
        hint: "Ask for it again",
      }),
    });
  }

  /** Tells anew what is remembered of one that has ended. */
  replay(revision: number, outcomes: readonly ComponentOutcome[], endedAt: Date): void {
    this.#append({ kind: "begun", text: "begun", revision }, endedAt);
    for (const outcome of outcomes) this.#appendOutcome(outcome, endedAt);
    this.#append({ kind: "ended", text: summaryOf(outcomes), revision, outcomes }, endedAt);
    this.#endedAt = endedAt;
    this.#begun.resolve();
    this.#end("ended", { result: { revision, outcomes } });
  }

  /** How it ended, when it has; rejects with what interrupted it. */
  async result(): Promise<DeployResult> {
    while (this.#state === "running") await this.#change.promise;
    if (this.#result === undefined) throw this.#failure;
    return this.#result;
  }

  /**
   * Tells every event from the first on, until it has ended or nobody listens any more.
   *
   * Each event is told when there was room for the one before: a slow listener slows nobody else.
   *
   * @throws what interrupted the rollout.
   */
  async follow(
    tell: (event: RolloutEvent) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const gone = Promise.withResolvers<void>();
    const onAbort = () => gone.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      for (let next = 0; !signal.aborted;) {
        // Asked for before reading, so that nothing that is told in between is waited for in vain.
        const changed = this.#change.promise;
        const event = this.#events[next];
        if (event !== undefined) {
          next++;
          await Promise.race([tell(event), gone.promise]);
        } else if (this.#state === "ended") return;
        else if (this.#state === "interrupted") throw this.#failure;
        else await Promise.race([changed, gone.promise]);
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #watcher(): Watcher {
    const { registry, clock } = this.#options;
    return {
      operation: this.id,
      begun: (revision, components) => {
        const { id, service, fingerprint: request } = this;
        beginOperation(registry, { id, service, request, revision, now: clock.now() });
        const text = `revision ${revision} of ${service}: ${components.join(", ")}`;
        this.#append({ kind: "begun", text, revision });
        this.#begun.resolve();
      },
      told: (component, { kind, text }: ProgressEvent) => {
        if (this.#events.length < mostEvents) this.#append({ kind, component, text });
      },
      ended: (outcome) => this.#appendOutcome(outcome),
      finished: (revision, outcomes) => {
        const now = clock.now();
        endOperation(registry, this.id, JSON.stringify(outcomes), now);
        this.#append({ kind: "ended", text: summaryOf(outcomes), revision, outcomes }, now);
      },
    };
  }

  #end(
    state: "ended" | "interrupted",
    { result, failure }: { readonly result?: DeployResult; readonly failure?: unknown },
  ): void {
    this.#state = state;
    this.#result = result;
    this.#failure = failure;
    this.#endedAt ??= this.#options.clock.now();
    this.#begun.reject(failure);
    this.#wake();
  }

  #appendOutcome(outcome: ComponentOutcome, at?: Date): void {
    const { component, success, summary, error } = outcome;
    const text = success ? summary : error;
    this.#append({ kind: "component_ended", component, text, outcomes: [outcome] }, at);
  }

  #append(
    event: Pick<RolloutEvent, "kind" | "text"> & Partial<RolloutEvent>,
    at = this.#options.clock.now(),
  ): void {
    this.#events.push({
      component: "",
      revision: 0,
      outcomes: [],
      ...event,
      at,
      sequence: this.#events.length + 1,
    });
    this.#wake();
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

function summaryOf(outcomes: readonly ComponentOutcome[]): string {
  const good = outcomes.filter(({ success }) => success).length;
  return good === outcomes.length
    ? `all ${good} ended well`
    : `${outcomes.length - good} of ${outcomes.length} did not end well`;
}
