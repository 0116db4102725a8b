import { deepStrictEqual, throws } from "node:assert/strict";
import { HeaderError, readHeaders } from "./header_block.ts";

function bytes(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex.replaceAll(" ", ""));
}

for (
  const [what, block, headers] of [
    ["what everybody knows", "88", [[":status", "200"]]],
    ["a name that everybody knows", "5c 01 37", [["content-length", "7"]]],
    // RFC 7541, C.2.1 and C.2.3
    [
      "a name of its own that is to be remembered",
      "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      [["custom-key", "custom-header"]],
    ],
    [
      "a name of its own that is not to be remembered",
      "1008 7061 7373 776f 7264 0673 6563 7265 74",
      [["password", "secret"]],
    ],
    // RFC 7541, C.4.1 and C.6.1
    [
      "packed text",
      "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "www.example.com"]],
    ],
    [
      "packed dates and addresses",
      "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e " +
      "919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
      [
        [":status", "302"],
        ["cache-control", "private"],
        ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
        ["location", "https://www.example.com"],
      ],
    ],
    ["a table without room", "20 88", [[":status", "200"]]],
    ["a name that comes twice", "0001 6101 31 0001 6101 32", [["a", "1,2"]]],
    ["nothing", "", []],
  ] as const
) {
  Deno.test({
    name: `readHeaders() reads ${what}`,
    permissions: "none",
    fn: () => deepStrictEqual([...readHeaders(bytes(block))], headers),
  });
}

for (
  const [what, block] of [
    ["an entry of a table that there is not", "be"],
    ["an entry 0", "80"],
    ["a name of a table that there is not", "7f 00 01 61"],
    ["a table with room", "3f e1 1f"],
    ["a number without an end", "ff ff ff ff ff ff ff ff 00"],
    ["a text that ends too soon", "00 01 61 05 61"],
    ["a name and no value", "00 01 61"],
    ["packed text that ends in the middle", "00 01 61 81 00"],
    ["packed text that is filled up with a whole byte", "00 01 61 82 1f ff"],
    ["packed text with the code that ends it", "00 01 61 84 ff ff ff ff"],
  ] as const
) {
  Deno.test({
    name: `readHeaders() refuses ${what}`,
    permissions: "none",
    fn: () => throws(() => readHeaders(bytes(block)), HeaderError),
  });
}
