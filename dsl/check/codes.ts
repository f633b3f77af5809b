import { expressionCodes } from './codes/expressions.ts';
import { nameCodes } from './codes/names.ts';
import { ruleCodes } from './codes/rules.ts';
import { syntaxCodes } from './codes/syntax.ts';
import { tableCodes } from './codes/tables.ts';
import { windowCodes } from './codes/windows.ts';
import { warningCodes } from './codes/warnings.ts';
import type { CodeInfo } from './codes/info.ts';

/** Every code that a finding in a rule file can have. Codes are stable: one that was released keeps its meaning. */
export const codes = { ...syntaxCodes, ...nameCodes, ...expressionCodes, ...ruleCodes, ...windowCodes, ...tableCodes, ...warningCodes } as const satisfies Record<string, CodeInfo>;

export type Code = keyof typeof codes;

/** The chapters of docs/errors.md. */
export const chapters: readonly { readonly title: string; readonly codes: Readonly<Record<string, CodeInfo>> }[] = [
  { title: 'Text', codes: syntaxCodes },
  { title: 'Names and declarations', codes: nameCodes },
  { title: 'Expressions', codes: expressionCodes },
  { title: 'Rules, patterns and tests', codes: ruleCodes },
  { title: 'Windows', codes: windowCodes },
  { title: 'Tables and features', codes: tableCodes },
  { title: 'Warnings', codes: warningCodes },
];

export { fileOf, PRELUDE } from './codes/info.ts';
export type { CodeInfo } from './codes/info.ts';
