/**
 * Variables whose values look as if nobody else should read them.
 *
 * @module
 */

import type { ComponentSpec } from "../../lib/domain/component_spec.ts";

const secretVariable =
  /(PASSWORD|PASSWD|PASSPHRASE|PASS|SECRET|TOKEN|APIKEY|(API|APP|ACCESS|SECRET|PRIVATE|ENCRYPTION)_KEY|SECRET_KEY_BASE|CREDENTIALS)$/i;
/** An address with a password in it. */
const secretValue = /\/\/[^:@/\s]{0,200}:[^@/\s]{1,200}@/;

/** The names of those that look as if their values were secrets. */
export function secretsAmong(env: ComponentSpec["env"]): string[] {
  return Object.entries(env)
    .filter(([name, value]) =>
      (value !== "" && secretVariable.test(name)) || secretValue.test(value)
    )
    .map(([name]) => name);
}
