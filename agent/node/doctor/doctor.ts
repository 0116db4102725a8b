/**
 * The doctor: looks, and judges what was seen.
 *
 * @module
 */

import type { Finding } from "../../../lib/domain/finding.ts";
import type { AgentConfig } from "../../config.ts";
import { type DoctorDeps, gatherFacts } from "./facts.ts";
import { findingsOf } from "./findings.ts";

/** Looks at one node from one vantage. */
export class Doctor {
  readonly #config: AgentConfig;
  readonly #deps: DoctorDeps;
  #underway: Promise<Finding[]> | undefined;

  constructor(config: AgentConfig, deps: DoctorDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /**
   * Everything there is to say of the node. Who asks while another's look is under way gets the
   * same answer: however many ask, one walk goes through the services' folders.
   */
  async diagnose(): Promise<Finding[]> {
    return await (this.#underway ??= this.#look().finally(() => this.#underway = undefined));
  }

  async #look(): Promise<Finding[]> {
    return findingsOf(this.#config, await gatherFacts(this.#config, this.#deps));
  }
}
