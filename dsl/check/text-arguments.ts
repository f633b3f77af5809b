import ipaddr from 'ipaddr.js';
import { RE2JS } from 're2js';

/** Texts with a meaning of their own, looked at when a rule is compiled: regular expressions, IP networks, time zones. */

/** What is wrong with a regular expression (RE2 syntax), in a few words; undefined: nothing. */
export function regexProblem(source: string): string | undefined {
  try {
    RE2JS.compile(source);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^error parsing regexp: /, '').replace(/\.$/, '') : 'it does not compile';
  }
}

/** An IP address, or a network such as `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  return text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}

/** A name of the IANA database, or an offset such as `+02:00`. */
export function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}
