/** What the process ends with: 0 fine, 1 something failed (a test, an input, a layout), 2 wrong usage or errors in the rules,
 * 130 ended by Ctrl-C (what shells call it). */
export const EXIT = { fine: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/**
 * An end of the command with a message for the person at the terminal: what failed, what happens now, what to look at. Its stack is of no
 * interest; anything else thrown is a defect of ours and shown with its stack.
 */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

/** Wrong arguments, a file that is not there. */
export function usageError(message: string): CliError {
  return new CliError(message, EXIT.usage);
}

/** The reason of a file-system error in words; undefined for anything else. */
export function fileProblem(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT': return 'there is no such file or folder';
    case 'EACCES': case 'EPERM': return 'permission denied';
    case 'EISDIR': return 'it is a folder';
    case 'ENOTDIR': return 'a part of the path is not a folder';
    case 'ENOSPC': return 'the disk is full';
    case 'EMFILE': return 'too many open files';
    default: return undefined;
  }
}
