import { stringify } from 'yaml';
import type { Data } from './spec.ts';

/** The effective configuration as YAML that reads as the same, but for its secrets. */
export function showYaml(shown: Data): string {
  return stringify(shown, { lineWidth: 0, version: '1.2', schema: 'core', aliasDuplicateObjects: false });
}
