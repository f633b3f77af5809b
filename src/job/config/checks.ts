/** What must hold between options of a job file, whatever the rules. */
import type { Span } from '../../../dsl/ast.ts';
import { pathOf, type Place, type Problem } from './problem.ts';
import type { JobConfig, SinkConfig } from './options/job.ts';
import { printDuration } from './units.ts';

/** Every sink of a job with the path of its option. */
export function sinksOf(job: JobConfig): { readonly path: string; readonly sink: SinkConfig }[] {
  const sinks = [...job.channels].map(([name, sink]) => ({ path: pathOf('channels', name), sink }));
  for (const name of ['late', 'rejects', 'shadow'] as const) if (job[name] !== undefined) sinks.push({ path: name, sink: job[name] });
  return sinks;
}

/** Whether an address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether any alert goes out in Kafka transactions. */
export function isTransactional(job: JobConfig): boolean {
  return sinksOf(job).some(({ sink }) => sink.kind === 'kafka' && sink.options.delivery === 'transactional');
}

export function checkJob(file: string, job: JobConfig, places: ReadonlyMap<string, Place>): Problem[] {
  const problems: Problem[] = [];
  const report = (severity: 'error' | 'warning', option: string, message: string, hint?: string): void => {
    problems.push({ severity, code: severity === 'error' ? 'conflict' : 'risk', option, message, span: placeOf(file, places, option), ...(hint !== undefined && { hint }) });
  };

  for (const [name, source] of job.sources) {
    const path = pathOf('sources', name);
    switch (source.kind) {
      case 'kafka':
        if (job.kafka === undefined) report('error', pathOf(path, 'kafka'), `"${path}" reads Kafka, and "kafka" at the top of the file does not say where it is.`, 'kafka: { brokers: [HOST:PORT] }');
        break;
      case 'http':
        if (!job.http.enabled) report('error', pathOf(path, 'http'), `"${path}" takes events from the server of "http", which is off.`);
        if (source.time.kind === 'header') report('error', pathOf(path, 'time'), `"${path}.time": events that are posted have no headers of their own.`);
        break;
      case 'file':
        if (source.time.kind !== 'field') report('error', pathOf(path, 'time'), `"${path}.time": lines of a file have no time but that of a field.`);
        break;
      case 'mqtt': break;
    }
  }

  for (const [name, table] of job.tables ?? []) {
    if (table.kind !== 'kafka' || job.kafka !== undefined) continue;
    const path = pathOf('tables', name);
    report('error', pathOf(path, 'kafka'), `"${path}" reads Kafka, and "kafka" at the top of the file does not say where it is.`, 'kafka: { brokers: [HOST:PORT] }');
  }

  for (const { path, sink } of sinksOf(job)) {
    if (sink.kind === 'kafka' && job.kafka === undefined) {
      report('error', pathOf(path, 'kafka'), `"${path}" writes to Kafka, and "kafka" at the top of the file does not say where it is.`, 'kafka: { brokers: [HOST:PORT] }');
    }
    if (sink.kind === 'kafka' && sink.options.topic.includes('{channel}') && !path.startsWith('channels')) {
      report('error', pathOf(pathOf(path, 'kafka'), 'topic'), `"${path}" is no channel: there is no {channel} to put into the name of its topic.`);
    }
    if (sink.kind === 'webhook' && sink.options.retryDelay > sink.options.maxRetryDelay) {
      report('error', pathOf(pathOf(path, 'webhook'), 'retryDelay'), `"${path}": the first pause between tries is longer than the longest (${printDuration(sink.options.maxRetryDelay)}).`);
    }
  }

  if (job.http.enabled && !isLoopback(job.http.host) && job.http.token === undefined) {
    report('error', 'http.host', `The server would be open to anybody who reaches ${job.http.host}: "http.token" is needed.`, 'token: ${ALCEDO_TOKEN}');
  }
  if (isTransactional(job) && job.kafka !== undefined) {
    const longest = job.state.checkpoint.interval + job.state.checkpoint.timeout;
    if (job.kafka.transactionTimeout <= longest) {
      report('error', 'kafka.transactionTimeout', `The broker would abort a transaction after ${printDuration(job.kafka.transactionTimeout)}, while an interval and a checkpoint may take `
        + `${printDuration(longest)} ("state.checkpoint").`);
    }
  }
  if (job.state.kind === 'memory' && job.kafka?.adapter !== 'memory' && isTransactional(job)) {
    report('warning', 'state.memory', 'State in memory is lost with the process, and with it every pattern that had begun: alerts are sent once at most, not exactly once.', 'state: { sqlite: {} } or { redis: {} }');
  }
  return problems;
}

/** Where an option stands, or the section it would stand in. */
export function placeOf(file: string, places: ReadonlyMap<string, Place>, option: string): Span {
  for (let path = option; path !== ''; path = path.replace(/(^|\.)("(?:[^"\\]|\\.)*"|[\w-]+)$|\[\d+\]$/, '')) {
    const place = places.get(path);
    if (place !== undefined) return place.key;
  }
  return { file, start: 0, end: 0 };
}
