/** Asks a running job's HTTP server for its status. */
import type { JobConfig } from '../../job/config/index.ts';
import type { JobStatus } from '../../job/status.ts';
import { CliError, usageError } from '../errors.ts';
import { printable } from '../format.ts';

/** A job's status as its server tells it: JSON has no word for numbers that are none. */
export type ToldStatus = Told<JobStatus>;
type Told<T> = T extends number ? number | null : T extends readonly (infer E)[] ? readonly Told<E>[] : T extends object ? { readonly [K in keyof T]: Told<T[K]> } : T;

const PATIENCE = 5000;
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Where the server of a job is, as seen from this machine. @throws CliError where the job file says of none */
export function addressOf(job: JobConfig): string {
  const { enabled, host, port } = job.http;
  if (!enabled) throw usageError(`The job "${job.name}" has no HTTP server ("http: false"), so nobody can ask it.`);
  if (port === 0) throw usageError(`The job "${job.name}" takes any free port ("http.port: 0") and tells it in its log: say it with --url http://${urlHost(host)}:PORT.`);
  return `http://${urlHost(host)}:${port}`;
}

/** @throws CliError that says why there is no answer and what to look at */
export async function askJob(job: JobConfig, address: string, signal: AbortSignal): Promise<ToldStatus> {
  const { token } = job.http;
  let response: Response;
  let body: string;
  try {
    response = await fetch(new URL('/status', address), {
      redirect: 'error', signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]), ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    });
    body = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    throw new CliError(`No answer from the job "${job.name}" at ${address}: ${reasonOf(error as Error)}. Is it running on this machine? See http.host and http.port in the job file, or say another place with --url.`);
  }
  if (response.status === 401) {
    throw new CliError(`The job at ${address} does not take ${token === undefined ? 'a question without a token' : 'the token of this job file'}: see http.token, and the environment variable it comes from.`);
  }
  const status = statusIn(body);
  if (!response.ok || status === undefined) throw new CliError(`What answers at ${address} is no job of alcedo (HTTP ${response.status}). See http.port in the job file.`);
  if (status.job !== job.name) throw new CliError(`The job that answers at ${address} is "${printable(status.job)}", not "${job.name}". See http.port in the two job files.`);
  return status;
}

function statusIn(body: string): ToldStatus | undefined {
  try {
    const status = JSON.parse(body) as ToldStatus | null;
    return typeof status === 'object' && status !== null && typeof status.job === 'string' && Array.isArray(status.tasks) ? status : undefined;
  } catch {
    return undefined;
  }
}

function urlHost(host: string): string {
  const seen = EVERYWHERE[host] ?? host;
  return seen.includes(':') ? `[${seen}]` : seen;
}

function reasonOf(error: Error): string {
  if (error.name === 'TimeoutError') return `nothing came within ${PATIENCE / 1000} s`;
  const { cause } = error;
  const { code, message } = (cause instanceof AggregateError ? cause.errors[0] : cause ?? error) as NodeJS.ErrnoException;
  switch (code) {
    case 'ECONNREFUSED': return 'nothing listens there';
    case 'ECONNRESET': return 'the connection was cut';
    case 'ENOTFOUND': case 'EAI_AGAIN': return 'the name of the host cannot be resolved';
    default: return message;
  }
}
