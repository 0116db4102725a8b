/**
 * Random numbers for the first TLS handshake of a process, before it needs them.
 *
 * @module
 */

/**
 * Begins to gather entropy, on another thread.
 *
 * The cryptography of Deno 2.9.6 (AWS-LC) times the processor's jitter before it gives its first random
 * number: 25 ms of computing for whichever thread asks first. Left to the handshake, everything else
 * would wait; making a key that nobody needs does it while gRPC is being loaded.
 */
export function gatherEntropy(): void {
  crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]).catch(() => {
    // Then the handshake gathers it, or says why it cannot.
  });
}
