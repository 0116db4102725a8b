import { strictEqual } from "node:assert/strict";
import { troubleIn } from "./certificate_trouble.ts";

for (
  const [sentence, trouble] of [
    [
      "invalid peer certificate: certificate expired: verification time 1795177572 (UNIX), " +
      "but certificate is not valid after 1794399972 (777600 seconds ago)",
      "its certificate expired at 2026-11-11T12:26:12.000Z",
    ],
    [
      "invalid peer certificate: certificate not valid yet: verification time 1795177572 (UNIX), " +
      "but certificate is not valid before 1796037972 (860400 seconds in future)",
      "its certificate is not valid before 2026-11-30T11:26:12.000Z",
    ],
    ["invalid peer certificate: BadSignature", undefined],
    ["certificate is not valid after 99999999999999999999", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test({
    name: `troubleIn() given ${JSON.stringify(sentence.slice(0, 50))}`,
    permissions: "none",
    fn: () => strictEqual(troubleIn(sentence), trouble),
  });
}
