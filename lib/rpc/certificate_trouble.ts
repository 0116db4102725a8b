/**
 * Why a server's certificate is refused, where that is its age.
 *
 * Under Deno 2.9 `node:tls`, and so grpc-js, has one sentence for a certificate that has expired and
 * for one of a stranger. Deno's own TLS knows which; it is asked after the fact, verifies just as
 * strictly, and sends nothing.
 *
 * @module
 */

import type { NodeAddress } from "./address.ts";

/** A handshake with somebody who answered a moment ago. */
const handshakeMs = 2_000;

/**
 * Shakes hands once more, and says what is wrong with the dates of the certificate that is shown;
 * undefined when nothing is, or when nobody can tell.
 */
export async function certificateTrouble(
  { host, port }: NodeAddress,
  ca: string | undefined,
): Promise<string | undefined> {
  const shaken = shakeHands({ host, port }, ca);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), handshakeMs);
  });
  try {
    return await Promise.race([shaken, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function shakeHands(
  { host, port }: NodeAddress,
  ca: string | undefined,
): Promise<string | undefined> {
  try {
    using connection = await Deno.connectTls({
      hostname: host,
      port,
      alpnProtocols: ["h2"],
      ...(ca === undefined ? {} : { caCerts: [ca] }),
    });
    await connection.handshake();
    return undefined;
  } catch (error) {
    return troubleIn(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Reads what rustls says of dates, e.g. "certificate expired: verification time 1795177572 (UNIX),
 * but certificate is not valid after 1794399972 (777600 seconds ago)".
 */
export function troubleIn(sentence: string): string | undefined {
  const match = /certificate is not valid (after|before) (\d{1,12})\b/.exec(sentence);
  if (match === null) return undefined;
  const at = new Date(Number(match[2]) * 1000).toISOString();
  return match[1] === "after"
    ? `its certificate expired at ${at}`
    : `its certificate is not valid before ${at}`;
}
