import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { registerIngest, type Ingest } from '../../connect/http/index.ts';
import type { Log } from '../../connect/types.ts';
import type { JobStatus } from '../status.ts';
import { healthOf, readinessOf, type Verdict } from './health.ts';
import { registryOf } from './metrics.ts';
import { showsToken } from './token.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Bearer token that callers must show, except of `/healthz`; sources have their own (see HttpSourceOptions). Never logged, never answered. */
  readonly token: string | undefined;
  readonly status: () => JobStatus;
  readonly sources: readonly Ingest[];
  readonly log: Log;
  /** Told by the metric alcedo_info. */
  readonly version?: string | undefined;
}

export interface RunningServer {
  readonly port: number;
  /** Takes no more requests, answers those under way, and resolves when the port is free: after 2 s at the latest. */
  stop(): Promise<void>;
}

/** ms that requests under way may take when the server stops. */
const PATIENCE = 2000;

/**
 * Listens. @throws Error when the port cannot be had
 *
 * - `GET /healthz`: 200 while the process answers and the job has not failed; 503 with the reason. Without the token the reason is left out.
 * - `GET /readyz`: 200 while the job runs; 503 with the reason
 * - `GET /metrics`: Prometheus text
 * - `GET /status`: `JobStatus` as JSON (a number that is none, such as an unknown lag, is null)
 * - `POST` routes of the sources: see `registerIngest`
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port, log } = options;
  const app = fastify({ logger: false });
  app.setNotFoundHandler((_, reply) => reply.code(404).send({ error: 'there is nothing here; see /healthz, /readyz, /metrics and /status' }));
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ path: request.routeOptions.url, error: error.message }, 'a request to the HTTP server failed; the job itself goes on');
    return reply.code(status).send({ error: status < 500 ? error.message : 'the server failed; see the log of the job' });
  });
  await app.register(async (scope) => { watching(scope, options); });
  for (const source of options.sources) await registerIngest(app, source);
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw new Error(`The HTTP server cannot listen on ${host}:${port}: ${reasonOf(error as NodeJS.ErrnoException)}. See http.host and http.port; "http: false" is a job without a server.`, { cause: error });
  }
  const actual = (app.server.address() as AddressInfo).port;
  log.info({ host, port: actual }, 'the HTTP server listens');
  return {
    port: actual,
    async stop() {
      const tooLong = setTimeout(() => app.server.closeAllConnections(), PATIENCE);
      try {
        await app.close();
      } finally {
        clearTimeout(tooLong);
      }
    },
  };
}

function watching(app: FastifyInstance, { status, token, version }: ServerOptions): void {
  const registry = registryOf(status, version);
  const mayRead = (request: FastifyRequest): boolean => token === undefined || showsToken(request.headers.authorization, token);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (request.routeOptions.url === '/healthz' || mayRead(request)) return undefined;
    return reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'send the token of "http.token" as "Authorization: Bearer TOKEN"' });
  });
  app.get('/healthz', (request, reply) => {
    const verdict = healthOf(status());
    return answer(reply, mayRead(request) || verdict.ok ? verdict : { ...verdict, reason: 'the job has failed; its log says why, and this answer with the token' });
  });
  app.get('/readyz', (_, reply) => answer(reply, readinessOf(status())));
  app.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  app.get('/status', async () => status());
}

function answer(reply: FastifyReply, { ok, ...told }: Verdict): FastifyReply {
  return reply.code(ok ? 200 : 503).send(told);
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE': return 'another process has that port';
    case 'EADDRNOTAVAIL': return 'this machine has no such address';
    case 'EACCES': return 'this process may not use that port';
    case 'ENOTFOUND': case 'EAI_AGAIN': return 'the name of the host cannot be resolved';
    default: return message;
  }
}
