/** Options of a journal: the local log in which records wait that their sender cannot send again. */
export interface JournalOptions {
  /** Folder of the segments; made where it is not there. One journal a folder, one process a journal. */
  readonly directory: string;
  /**
   * When written records are forced onto the disk. `always`: before they count as taken; they survive a power cut. A number: every so many ms; they
   * survive a crash of the process at once, a power cut only after the next forced write. Default `always`.
   */
  readonly fsync?: 'always' | number | undefined;
  /** Bytes after which a new segment begins; space is given back by whole segments. Default 64 MiB, or a quarter of `maxBytes` where that is less. */
  readonly segmentBytes?: number | undefined;
  /** Bytes the journal may take on the disk: beyond them nothing is taken until the job has committed. Default 1 GiB. */
  readonly maxBytes?: number | undefined;
  /**
   * Commits for which records are kept behind the last one, so that a damaged checkpoint can be replaced by the one before it. Given up where the
   * journal is full. Default 3.
   */
  readonly keepCommits?: number | undefined;
}
