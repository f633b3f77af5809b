import type { Tag } from '../../core/functions.ts';
import type { Type } from '../../../dsl/typed.ts';

/** How values of the type are written (see Tag). The literal null counts as a number: its NaN is null under every tag. */
export function tagOf(type: Type): Tag {
  switch (type.kind) {
    case 'int': case 'float': case 'duration': case 'null': return 'n';
    case 'time': return 't';
    case 'bool': return 'b';
    case 'string': case 'oneOf': return 's';
    case 'list': case 'record': return 'j';
  }
}
