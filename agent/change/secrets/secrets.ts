/**
 * The secrets of services: chosen, kept with the runtime as versions, and removed when nobody needs
 * them. A value is held no longer than a request, and told to the runtime alone.
 *
 * @module
 */

import type { ComponentSpec } from "../../../lib/domain/component_spec.ts";
import { isSecretVersionName, secretVersionName } from "../../../lib/domain/secret_name.ts";
import { errorChain, McpError } from "../../../lib/errors.ts";
import { log } from "../../../lib/log.ts";
import type { Clock } from "../../../lib/system/clock.ts";
import type { Registry } from "../../registry/registry.ts";
import {
  forgetSecret,
  lastSecretVersion,
  listSecrets,
  listSecretUses,
  rememberSecret,
  type SecretVersions,
  servicesWithSecrets,
} from "../../registry/secrets.ts";
import type { ComponentRecord } from "../../registry/services.ts";
import type { ServiceLocks } from "../../locks/service_locks.ts";
import type { ContainerRuntime } from "../../runtime/runtime.ts";
import {
  chooseSecrets,
  leftBehind,
  type MissingSecret,
  nextVersion,
  type SecretChoice,
  type SecretStock,
} from "./choose.ts";
import type { HashKey } from "./keyed_hash.ts";
import { unneededVersions } from "./needed.ts";

/** Values by the secrets' names; a Map, so that nothing that prints an object prints one. */
export type SecretValues = ReadonlyMap<string, Uint8Array>;

interface SecretsOptions {
  readonly registry: Registry;
  readonly runtime: Pick<ContainerRuntime, "listSecrets" | "createSecret" | "removeSecret">;
  readonly locks: Pick<ServiceLocks, "acquire" | "isHeld">;
  readonly clock: Pick<Clock, "now">;
  readonly key: Pick<HashKey, "hash">;
  /** Of so many good revisions of each component secrets are kept. */
  readonly keepRevisions: number;
  /** Trips when the agent must end. */
  readonly signal: AbortSignal;
}

/** What secrets are chosen for. */
interface SecretsQuestion {
  readonly service: string;
  readonly targets: readonly ComponentSpec[];
  /** The components as they are now, by name. */
  readonly records: ReadonlyMap<string, ComponentRecord>;
  readonly values: SecretValues;
  /** The versions to go back to, by component; undefined = the newest. */
  readonly past:
    | {
      readonly revision: number;
      readonly versions: ReadonlyMap<string, SecretVersions>;
    }
    | undefined;
}

/** By component and secret. */
export type ChosenSecrets = ReadonlyMap<string, ReadonlyMap<string, SecretChoice>>;

/** Looks after secrets. */
export class Secrets {
  readonly #options: SecretsOptions;

  constructor(options: SecretsOptions) {
    this.#options = options;
  }

  /**
   * Says with which versions components would be made; changes nothing.
   *
   * @throws {McpError} `conflict` with all that is missing.
   */
  async choose(question: SecretsQuestion): Promise<ChosenSecrets> {
    const { service, targets, records, past } = question;
    if (targets.every(({ secrets }) => secrets.length === 0)) return new Map();
    const users = targets.map(({ name, secrets }) => {
      const deployment = records.get(name)?.deployment;
      return {
        component: name,
        secrets: secrets.map((secret) => secret.name),
        deployed: deployment && {
          versions: deployment.secrets,
          byHand: deployment.origin === "adopt"
            ? deployment.spec.secrets.map((secret) => secret.name)
            : [],
        },
        past: past && { revision: past.revision, versions: past.versions.get(name) ?? {} },
      };
    });
    const { chosen, missing } = chooseSecrets(
      users.filter(({ secrets }) => secrets.length > 0),
      await this.#stock(service, question.values),
    );
    if (missing.length > 0) throw missingSecrets(service, missing);
    return chosen;
  }

  /**
   * Has the runtime keep what was chosen and is new; by component, the version of each secret.
   *
   * To be called with the lock of the service, and followed by a revision with these versions.
   *
   * @throws {McpError} `unavailable` when it could not be kept; nothing else was changed.
   */
  async keep(
    { service, values }: Pick<SecretsQuestion, "service" | "values">,
    chosen: ChosenSecrets,
  ): Promise<ReadonlyMap<string, SecretVersions>> {
    const { registry, runtime, clock, signal } = this.#options;
    const made = new Map<string, number>();
    for (const [secret, choice] of [...chosen.values()].flatMap((own) => [...own])) {
      if (choice.kind === "version" || made.has(secret)) continue;
      const kept = await runtime.listSecrets(signal);
      const last = lastSecretVersion(registry, service, secret);
      const version = nextVersion(secret, last, { service, kept });
      const runtimeName = choice.kind === "found"
        ? choice.runtimeName
        : secretVersionName({ service, secret, version });
      const hmac = choice.kind === "new" ? choice.hmac : "";
      if (choice.kind === "new") {
        const value = values.get(secret);
        if (value === undefined) throw new Error(`choose() found a value of "${secret}"`);
        await runtime.createSecret(runtimeName, value, signal);
        log.rollout.info("Kept version {version} of the secret {service}/{secret}", {
          version,
          service,
          secret,
        });
      }
      rememberSecret(
        registry,
        { service, name: secret, version, runtimeName, hmac },
        clock.now(),
      );
      made.set(secret, version);
    }
    return new Map([...chosen].map(([component, own]) => [
      component,
      Object.fromEntries(
        [...own].map(([secret, choice]) => [
          secret,
          choice.kind === "version" ? choice.version : made.get(secret) ?? 0,
        ]),
      ),
    ]));
  }

  /** Names of the secrets of a service that are kept, each once. */
  namesOf(service: string): string[] {
    return [...new Set(listSecrets(this.#options.registry, service).map(({ name }) => name))];
  }

  /**
   * Removes the versions that nobody needs. What cannot be removed is removed another time.
   *
   * Nobody may be rolling the service out but whoever calls this: what is kept for a revision that
   * is not written yet is needed by none.
   */
  async sweep(service: string): Promise<void> {
    const { registry, runtime, keepRevisions, signal } = this.#options;
    const known = listSecrets(registry, service);
    if (known.length === 0) return;
    const uses = listSecretUses(registry, service);
    try {
      for (const version of unneededVersions(known, uses, keepRevisions)) {
        // What somebody made by hand is not ours to remove.
        if (isSecretVersionName(version.runtimeName)) {
          await runtime.removeSecret(version.runtimeName, signal);
        }
        forgetSecret(registry, version);
      }
      const kept = await runtime.listSecrets(signal);
      for (const name of leftBehind({ service, known, kept })) {
        await runtime.removeSecret(name, signal);
      }
    } catch (error) {
      if (!(error instanceof McpError)) throw error;
      log.rollout.warn("Cannot remove secrets of {service} that nobody needs: {reason}", {
        service,
        reason: errorChain(error),
      });
    }
  }

  /** {@link sweep} for every service that nobody is moving. */
  async prune(): Promise<void> {
    const { registry, locks } = this.#options;
    for (const service of servicesWithSecrets(registry)) {
      if (locks.isHeld(service)) continue;
      const pruning = { verb: "prune", actor: "mcp-agent", components: [] };
      using _lock = locks.acquire(service, pruning);
      await this.sweep(service);
    }
  }

  async #stock(service: string, values: SecretValues): Promise<SecretStock> {
    const { registry, runtime, key, signal } = this.#options;
    const hmacs = new Map<string, string>();
    for (const [name, value] of values) hmacs.set(name, await key.hash(service, name, value));
    const kept = await runtime.listSecrets(signal);
    return { service, known: listSecrets(registry, service), kept, hmacs };
  }
}

function missingSecrets(service: string, missing: readonly MissingSecret[]): McpError {
  const past = missing.find(({ revision }) => revision !== undefined)?.revision;
  const details = missing.map(({ component, secret, revision }) =>
    revision === undefined
      ? `${component} mounts the secret "${secret}", of which the node has no value`
      : `${component} mounts the secret "${secret}", and the version of that time is gone`
  );
  if (past !== undefined) {
    return new McpError(
      "conflict",
      `Cannot go back to revision ${past} of "${service}": secrets are missing`,
      { details, hint: `Run \`mcp history ${service}\` for those there are` },
    );
  }
  return new McpError("conflict", `Cannot deploy "${service}": secrets are missing`, {
    details,
    hint: "Say in the definition where each comes from: `file = …` or `command = […]`",
  });
}
