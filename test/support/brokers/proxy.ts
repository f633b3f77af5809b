import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy in front of a server, for faults on the way. */
export interface Proxy {
  readonly port: number;
  /** How many connections go through it now. */
  readonly connections: number;
  /** Resets every connection; new ones are taken. */
  cut(): void;
  /** Holds everything back, in both directions and on new connections, without closing anything: as when the network is silent. */
  pause(): void;
  /** Lets what was held back through, and takes new connections again. */
  resume(): void;
  /** Resets every connection and refuses new ones until `resume`. */
  refuse(): void;
  stop(): Promise<void>;
}

export async function startProxy(target: number, host = '127.0.0.1'): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let paused = false;
  let refusing = false;

  const server = createServer((inner) => {
    if (refusing) {
      inner.resetAndDestroy();
      return;
    }
    const outer = connect(target, host);
    const pair = [inner, outer] as const;
    pairs.add(pair);
    for (const [from, to] of [[inner, outer], [outer, inner]] as const) {
      from.setNoDelay(true);
      from.on('data', (chunk) => {
        if (!to.write(chunk)) from.pause();
      });
      to.on('drain', () => {
        if (!paused) from.resume();
      });
      from.on('end', () => to.end());
      from.on('error', () => { /* close follows */ });
      from.on('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
    }
    if (paused) for (const socket of pair) socket.pause();
  });
  server.on('error', () => { /* of single connections */ });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy listens on no port.');

  const cut = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    pairs.clear();
  };
  return {
    port: address.port,
    get connections() { return pairs.size; },
    cut,
    pause() {
      paused = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    resume() {
      paused = false;
      refusing = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    refuse() {
      refusing = true;
      cut();
    },
    async stop() {
      cut();
      await new Promise<void>((resolve) => { server.close(() => resolve()); });
    },
  };
}
