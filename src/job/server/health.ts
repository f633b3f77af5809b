/** What a supervisor is told: whether to leave the process alone, and whether the job does its work. */
import type { JobStatus } from '../status.ts';

export interface Verdict {
  readonly ok: boolean;
  readonly state: JobStatus['state'];
  /** Why not, for the person on call. */
  readonly reason?: string;
}

/** The process answers, and what is wrong may still cure itself: a failed job does not. */
export function healthOf({ state, failure }: JobStatus): Verdict {
  return state === 'failed' ? { ok: false, state, reason: `the job has failed: ${failure ?? 'its log says why'}` } : { ok: true, state };
}

/** Every source runs, the partitions are dealt out, and every task that is this process's stands restored. */
export function readinessOf(status: JobStatus): Verdict {
  const { state, failure } = status;
  switch (state) {
    case 'running': return status.waitsFor.length === 0 ? { ok: true, state } : { ok: false, state, reason: `not at work yet: ${status.waitsFor.join('; ')}` };
    case 'starting': return { ok: false, state, reason: `the job is starting${waitingFor(status)}` };
    case 'restarting': return { ok: false, state, reason: `the job begins anew after a failure${failure === undefined ? '' : `: ${failure}`}` };
    case 'stopping': return { ok: false, state, reason: 'the job is stopping: it commits what it has taken' };
    case 'stopped': return { ok: false, state, reason: 'the job has stopped' };
    case 'failed': return healthOf(status);
  }
}

function waitingFor({ sources }: JobStatus): string {
  const away = sources.filter(({ streams }) => streams.length === 0 || streams.some(({ connected }) => !connected)).map(({ source }) => source);
  return away.length === 0 ? '' : `; not connected yet: ${away.join(', ')}`;
}
