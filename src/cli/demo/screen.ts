import type { Writable } from 'node:stream';

/** Clears the line the cursor is on and goes to its begin. */
const CLEAR_LINE = '\r\u001b[2K';

/**
 * Text that stays, and, on a terminal, one line below it that changes: what the engine is doing. Elsewhere the changing line is not shown, and
 * nothing but lines is written.
 */
export class Screen {
  private status = '';
  private readonly out: Writable & { readonly isTTY?: boolean; readonly columns?: number };

  constructor(out: Writable & { readonly isTTY?: boolean; readonly columns?: number }) {
    this.out = out;
  }

  get width(): number {
    // A terminal that does not know its width says 0.
    return this.out.columns || 100;
  }

  /** Writes lines that stay. */
  print(text: string): void {
    this.out.write(this.live ? `${CLEAR_LINE}${text}\n${this.status}` : `${text}\n`);
  }

  /** Shows another changing line. It must fit the width: a line that wraps cannot be cleared. */
  show(status: string): void {
    if (!this.live || status === this.status || (status !== '' && this.out.writableNeedDrain)) return;
    this.status = status;
    this.out.write(`${CLEAR_LINE}${status}`);
  }

  /** Resolves when whoever reads has room for more, so that a slow one does not fill the memory. */
  async written(): Promise<void> {
    if (!this.out.writableNeedDrain || this.out.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.out.off('drain', done);
        this.out.off('close', done);
        resolve();
      };
      this.out.on('drain', done);
      this.out.on('close', done);
    });
  }

  /** Takes the changing line away. */
  finish(): void {
    this.show('');
  }

  private get live(): boolean {
    return this.out.isTTY === true && process.env['TERM'] !== 'dumb';
  }
}
