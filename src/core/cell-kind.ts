/** Kinds of types whose values lie in a cell alike have one name. */
export function cellKind(kind: string): string { return kind === 'oneOf' ? 'string' : kind === 'int' ? 'float' : kind; }
