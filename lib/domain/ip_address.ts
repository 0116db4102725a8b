/**
 * What an IP address is.
 *
 * Node has the same, in a module that takes longer to load than the rest of `mcp`.
 *
 * @module
 */

const fourPattern = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Whether the text is an IP address, of version 4 or 6, without brackets or a zone. */
export function isIpAddress(text: string): boolean {
  // The rules for six are long, and those for URLs the same; other hosts than these have no colon.
  return fourPattern.test(text) ||
    (/^[\d:.a-f]*:[\d:.a-f]*$/i.test(text) && URL.canParse(`http://[${text}]`));
}
