import type { Diagnostic } from '../diagnostic.ts';
export interface CodeInfo { readonly severity: Diagnostic['severity'] }
export type Code = string;
const W = new Set(['never-null']);
export const codes: Readonly<Record<string, CodeInfo>> = new Proxy({}, { get: (_, k) => ({ severity: W.has(String(k)) ? 'warning' : 'error' }) });
