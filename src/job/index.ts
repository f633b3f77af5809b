/** The live job: its configuration, and running it. */
export * from './config/index.ts';
export { planChange, summed, type PlannedTask } from './change.ts';
export { Job, type JobOptions } from './job.ts';
export { JobError } from './parts.ts';
export { probeJob, type Probed } from './probe.ts';
export type { JobStatus } from './status.ts';
