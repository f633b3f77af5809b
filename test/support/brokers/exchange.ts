import { connect } from 'node:net';

/** Sends a few bytes to a local port and gives the first bytes that come back; '' when nobody answers within 2 s. */
export function exchange(port: number, request: string | Buffer, encoding: BufferEncoding = 'utf8'): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (answer: string): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2000, () => end(''));
    socket.once('error', () => end(''));
    socket.once('close', () => end(''));
    socket.once('connect', () => socket.write(request));
    socket.once('data', (chunk) => end(chunk.toString(encoding)));
  });
}
