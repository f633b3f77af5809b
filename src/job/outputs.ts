/** From alerts, late events and rejects to records for their sinks. */
import { Buffer } from 'node:buffer';
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

/** The event as it came, so that `alcedo run` can take it again; where it was, in the headers. */
export function lateRecord(bytes: Uint8Array, source: string, stream: string, offset: number, behind: number): OutRecord {
  return {
    id: '', key: '', value: bytes.slice(), channel: LATE,
    headers: { source, stream, offset: String(offset), behind: `${behind}` },
  };
}

/** A JSON object: why, from where, and the bytes: as text where they are UTF-8, else in base64. */
export function rejectRecord({ reason, message, source, stream, offset, bytes }: Rejected): OutRecord {
  let text: { text: string } | { base64: string };
  try {
    text = { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    text = { base64: Buffer.from(bytes).toString('base64') };
  }
  const value = utf8.encode(JSON.stringify({ reason, message, source, stream, offset, ...text }));
  return { id: '', key: '', value, headers: { reason, source, stream, offset: String(offset) }, channel: REJECTS };
}
