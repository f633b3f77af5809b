import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BodyError, decodeBody, splitBody } from './body.ts';
import type { HttpSource } from './source.ts';

/** What posted events go to. */
export type Ingest = Pick<HttpSource, 'options' | 'post'>;

const MAX_BODY = 1 << 22;
const RETRY_AFTER = 1;

/**
 * Adds `POST PATH/:type` of a source to a server. The body is a JSON object, an array of them, or JSON Lines, gzipped, zstd or plain. Answers:
 *
 * - 202 `{"accepted":N}`: the N events are in the journal; which of them are no valid events shows in the job's rejects
 * - 400 no text, empty, an array without end; 401 wrong token; 404 no such event type; 413 too large; 415 unknown encoding: none was taken
 * - 429 with `Retry-After`: the job is behind; 503 with `Retry-After`: it is starting or stopping, or its disk is full: none was taken
 */
export async function registerIngest(app: FastifyInstance, source: Ingest): Promise<void> {
  const { path = '/events', maxBody = MAX_BODY, retryAfter = RETRY_AFTER, types, token } = source.options;
  const known = types === undefined ? undefined : new Set(types);
  await app.register(async (scope) => {
    // Bodies are bytes to us, whatever they call themselves.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxBody }, async (_: FastifyRequest, body: Buffer) => body);
    scope.setErrorHandler((error: Error & { statusCode?: number }, _, reply) => {
      const status = error instanceof BodyError ? error.status : error.statusCode ?? 500;
      const reason = status === 413 && !(error instanceof BodyError) ? `the body is larger than ${maxBody} bytes; send it in parts` : status < 500 ? error.message : 'the server failed';
      return reply.code(status).send({ error: reason });
    });
    scope.addHook('onRequest', async (request, reply) => {
      if (token !== undefined && !hasToken(request, token)) {
        return reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'send the token as "Authorization: Bearer TOKEN"' });
      }
      return undefined;
    });
    scope.post<{ Params: { type: string } }>(`${path.replace(/\/+$/, '')}/:type`, async (request, reply) => {
      const { type } = request.params;
      if (known !== undefined && !known.has(type)) {
        return reply.code(404).send({ error: `there is no event type "${type}" here; there are ${[...known].join(', ')}` });
      }
      const body = await decodeBody(request.body as Buffer | undefined ?? Buffer.alloc(0), request.headers['content-encoding'], maxBody);
      const events = splitBody(body);
      const posted = await source.post(type, events);
      switch (posted.outcome) {
        case 'taken': return reply.code(202).send({ accepted: events.length });
        case 'too large': return reply.code(413).send({ error: posted.reason });
        case 'busy': return later(reply, 429, posted.reason, retryAfter);
        case 'unavailable': return later(reply, 503, posted.reason, retryAfter);
      }
    });
  });
}

function later(reply: FastifyReply, status: number, reason: string, retryAfter: number): FastifyReply {
  return reply.code(status).header('retry-after', String(retryAfter)).send({ error: reason });
}

/** Compared by their digests, so that the time it takes tells nothing of the token. */
function hasToken(request: FastifyRequest, token: string): boolean {
  const shown = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return shown !== undefined && timingSafeEqual(digest(shown), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
