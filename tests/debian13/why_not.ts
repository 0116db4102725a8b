/**
 * Whether a Debian 13 can be had on this system.
 *
 * @module
 */

import { findProgram } from "../../deploy/sandbox/packages.ts";
import { whyNoMachine } from "../machine/why_no_machine.ts";

/** Says why it cannot, and what to do about it; undefined when it can. */
export async function whyNoDebian13(): Promise<string | undefined> {
  const reason = await whyNoMachine();
  if (reason !== undefined) return reason;
  if (await findProgram("apt-get") !== undefined) return undefined;
  return "there is no apt-get to make it with. Run this on a Debian";
}
