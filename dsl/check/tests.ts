import type { TestDecl } from '../ast.ts';
import type { Test } from '../typed.ts';
import type { Globals } from './globals.ts';
import type { CheckedRule } from './rule.ts';
export function checkTest(_g: Globals, _t: TestDecl, _c: ReadonlyMap<string, CheckedRule>): Test | undefined { return undefined; }
