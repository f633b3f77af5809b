import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an `Authorization` header shows the token. Compared by digests, so that the time it takes tells nothing of the token. */
export function showsToken(header: string | undefined, token: string): boolean {
  const shown = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
  return shown !== undefined && timingSafeEqual(digest(shown), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
