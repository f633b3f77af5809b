/** The yardstick of the bench: `JSON.parse` of every line and nothing else. Returns the number of events. */
export function jsonParseLines(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let events = 0;
  let at = 0;
  while (at < buffer.length) {
    const feed = buffer.indexOf(10, at);
    const end = feed < 0 ? buffer.length : feed;
    const event = JSON.parse(buffer.toString('utf8', at, end)) as object | null;
    if (event !== null) events++;
    at = end + 1;
  }
  return events;
}
