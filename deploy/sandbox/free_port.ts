/**
 * A port on loopback for a program that cannot choose one itself.
 *
 * @module
 */

/** A port that is free now; between here and the program's start another may take it. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
