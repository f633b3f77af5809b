/** From alerts, late events and rejects to records for their sinks. */
import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import type { Alert } from '../core/alert.ts';
import { alertToJson } from '../core/alert-json.ts';
import type { OutRecord } from '../connect/types.ts';
import type { Rejected } from './intake.ts';

/** A record for one of the job's outlets: a channel by its name, or one of these. */
export const LATE = ' late';
export const REJECTS = ' rejects';
export const SHADOW = ' shadow';

const utf8 = new TextEncoder();

/** `sources`: names of the sources, by which references to events say where they are. `task`: the task that raised it. */
export function alertRecord(alert: Alert, sources: readonly string[], task: number): OutRecord {
  return {
    id: alert.id,
    key: JSON.stringify(alert.key),
    value: utf8.encode(alertToJson(alert, sources).trimEnd()),
    headers: { id: alert.id, rule: alert.rule, severity: alert.severity, kind: alert.kind, task: String(task) },
    channel: alert.channel,
  };
}

/** An event that came after the watermark. */
export interface Late {
  readonly source: string;
  readonly stream: string;
  readonly offset: number;
  /** ms that its time is behind the watermark. */
  readonly behind: number;
  /** JSON text of one object on one line; lent. */
  readonly bytes: Uint8Array;
}

/**
 * The event as it came, so that it can be given to the input again; where it was stands in the headers, and for sinks that have none in `enveloped`,
 * which `alcedo run` takes as the event. `task`: the one that found it.
 */
export function lateRecord({ source, stream, offset, behind, bytes }: Late, task: number): OutRecord {
  const value = bytes.slice();
  const id = placeId('late', stream, offset, value);
  return {
    id, key: '', value, channel: LATE,
    headers: { source, stream, offset: String(offset), behind: String(behind), id, task: String(task) },
    enveloped: () => Buffer.concat([utf8.encode(`${JSON.stringify({ alcedo: 'late', source, stream, offset, behind }).slice(0, -1)},"event":`), value, CLOSING]),
  };
}

/**
 * A JSON object, which `alcedo run` takes as what is in it: why, from where, and the bytes: as text where they are UTF-8, else in base64. `task`: the one that
 * found it.
 */
export function rejectRecord({ reason, message, source, stream, offset, bytes }: Rejected, task: number): OutRecord {
  let text: { text: string } | { base64: string };
  try {
    text = { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    text = { base64: Buffer.from(bytes).toString('base64') };
  }
  const value = utf8.encode(JSON.stringify({ alcedo: 'reject', reason, message, source, stream, offset, ...text }));
  const id = placeId('reject', stream, offset, bytes);
  return { id, key: '', value, headers: { reason, source, stream, offset: String(offset), id, task: String(task) }, channel: REJECTS };
}

const CLOSING = utf8.encode('}');

/** The same record at the same place gives the same id. Its bytes are part of it: offsets of sources without a journal are given anew after a restart. */
function placeId(kind: string, stream: string, offset: number, bytes: Uint8Array): string {
  return hash('sha256', `${kind}\n${stream}\n${offset}\n${hash('sha256', bytes, 'hex')}`, 'hex').slice(0, 32);
}

/** A record of a topic; the alerts of a rule with several `alert` clauses share their id. */
export const sentName = (topic: string, id: string): string => `${topic}\n${id}`;
