import { RE2JS } from 're2js';
import ipaddr from 'ipaddr.js';

/** Patterns over text, compiled: `like`, regular expressions, IP networks. Caching is the caller's. */

/** A test of a whole text against a `like` pattern: `%` is any run of characters, `_` any one character; nothing escapes them. */
export type LikeTest = (text: string) => boolean;

/** Compiles a `like` pattern. The test takes time linear in the text (times the pattern's length at worst). */
export function compileLike(pattern: string): LikeTest {
  if (pattern.includes('_')) {
    const source = pattern.split(/([%_])/).map((part) => (part === '%' ? '.*' : part === '_' ? '.' : RE2JS.quote(part))).join('');
    const regex = RE2JS.compile(source, RE2JS.DOTALL);
    return (text) => regex.testExact(text);
  }
  const parts = pattern.split('%');
  const prefix = parts[0]!;
  if (parts.length === 1) return (text) => text === prefix;
  const suffix = parts[parts.length - 1]!;
  const middle = parts.slice(1, -1).filter((part) => part !== '');
  return (text) => {
    if (text.length < prefix.length + suffix.length || !text.startsWith(prefix) || !text.endsWith(suffix)) return false;
    // Taking each middle part where it first occurs leaves the most room for the rest.
    const end = text.length - suffix.length;
    let at = prefix.length;
    for (const part of middle) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

/** Compiles a regular expression of the language (RE2 syntax, linear time). Throws what is wrong with it; the checker has asked before. */
export function compileRegex(source: string, ignoreCase: boolean): RE2JS {
  return RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
}

/** An IP address or network as its bytes (4 or 16; an IPv4 address inside IPv6 is IPv4) and the bits that count. */
export interface Network { readonly bytes: readonly number[]; readonly bits: number }

/** Reads an address such as `10.1.2.3` or `fe80::1`; undefined where the text is none. Octal, hexadecimal and short forms are none. */
export function parseAddress(text: string): Network | undefined {
  try {
    const last = text.slice(text.lastIndexOf(':') + 1);
    const dotted = ipaddr.IPv4.isValidFourPartDecimal(last);
    if (!dotted && (last === text || last.includes('.'))) return undefined;
    const bytes = ipaddr.process(text).toByteArray();
    return { bytes, bits: bytes.length * 8 };
  } catch {
    return undefined;
  }
}

/** Reads a network such as `10.0.0.0/8` or `2001:db8::/32`, or an address alone (a network of one); undefined where the text is neither. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return parseAddress(text);
  const address = parseAddress(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (address === undefined || !/^\d{1,3}$/.test(digits)) return undefined;
  // `::ffff:10.0.0.0/104` is written with the bits of IPv6 but has become an IPv4 address.
  const mapped = address.bytes.length === 4 && text.includes(':');
  const bits = Number(digits) - (mapped ? 96 : 0);
  return bits >= 0 && bits <= address.bits ? { bytes: address.bytes, bits } : undefined;
}

/** Whether `address` lies in `network`; never across IPv4 and IPv6. */
export function isInside(address: Network, network: Network): boolean {
  if (address.bytes.length !== network.bytes.length) return false;
  let left = network.bits;
  for (let i = 0; left > 0; i++, left -= 8) {
    const difference = address.bytes[i]! ^ network.bytes[i]!;
    if (left >= 8 ? difference !== 0 : difference >> (8 - left) !== 0) return false;
  }
  return true;
}

/** Replaces every match; in `by`, `$1` and `${name}` stand for groups (empty where a group took no part or is unknown), `$$` for `$`. */
export function replaceMatches(regex: RE2JS, text: string, by: string): string {
  const pieces = by.split(/(\$\$|\$\d|\$\{\w+\})/);
  let result = '';
  let from = 0;
  for (const match of regex.matchAll(text)) {
    result += text.slice(from, match.index);
    for (const piece of pieces) {
      if (piece === '$$') result += '$';
      else if (/^\$\d$/.test(piece)) result += match[Number(piece[1])] ?? '';
      else if (/^\$\{\w+\}$/.test(piece)) result += match.groups?.[piece.slice(2, -1)] ?? '';
      else result += piece;
    }
    from = match.index! + match[0].length;
  }
  return result + text.slice(from);
}
