import type { Span } from '../ast.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { codes, type Code } from './codes.ts';

export interface More {
  readonly hint?: string | undefined;
  readonly related?: Diagnostic['related'];
}

/** Collects findings. A finding's severity is that of its code in the catalogue; one found twice at one place is kept once. */
export class Report {
  #found = new Map<string, Diagnostic>();
  #muted = 0;

  /** Gives undefined, which as a value stands for "wrong, and reported". */
  add(code: Code, span: Span, message: string, more: More = {}): undefined {
    if (this.#muted > 0) return undefined;
    const id = `${code} ${span.file} ${span.start} ${span.end}`;
    if (this.#found.has(id)) return undefined;
    this.#found.set(id, {
      severity: codes[code].severity, code, span, message,
      ...(more.hint !== undefined && { hint: more.hint }),
      ...(more.related !== undefined && { related: more.related }),
    });
    return undefined;
  }

  /** Runs what would report again something that has been reported already. */
  muted<T>(run: () => T): T {
    this.#muted++;
    try {
      return run();
    } finally {
      this.#muted--;
    }
  }

  /** Keeps what `run` reports only where `keep` says so, which is asked only if there is something. */
  provided(keep: () => boolean, run: () => void): void {
    const before = this.#found;
    this.#found = new Map(before);
    try {
      run();
    } finally {
      if (this.#found.size === before.size || !keep()) this.#found = before;
    }
  }

  /** In reading order: files as listed in `paths`, then from top to bottom. */
  findings(paths: readonly string[]): Diagnostic[] {
    const place = new Map(paths.map((path, i) => [path, i]));
    const of = ({ span }: Diagnostic) => place.get(span.file) ?? paths.length;
    return [...this.#found.values()].sort((a, b) => of(a) - of(b) || a.span.start - b.span.start || a.span.end - b.span.end);
  }
}
