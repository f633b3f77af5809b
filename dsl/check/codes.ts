import type { Diagnostic } from '../diagnostic.ts';
export interface CodeInfo { readonly severity: Diagnostic['severity'] }
export type Code = string;
const W = new Set(['never-null','no-time-bound','never-matches','redundant-modifier','redundant-loop','redundant-ban','unpinned-equality','lower-time-bound','first-drops-others','no-effect','no-output','time-field-filled','test-without-expect','compares-with-itself','empty-range','division-by-zero']);
export const codes: Readonly<Record<string, CodeInfo>> = new Proxy({}, { get: (_, k) => ({ severity: W.has(String(k)) ? 'warning' : 'error' }) });
