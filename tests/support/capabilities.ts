/**
 * What this process may do beyond any user: some attacks can only be prepared by root.
 *
 * @module
 */

/** Whether it may make devices, mount file systems, give files away. */
export const capabilities = {
  mknod: has(27),
  mount: has(21),
  chown: has(0),
} as const;

function has(bit: number): boolean {
  const status = Deno.readTextFileSync("/proc/self/status");
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return ((effective >> BigInt(bit)) & 1n) === 1n;
}
