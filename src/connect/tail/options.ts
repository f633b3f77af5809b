export interface FileSourceOptions {
  /** Name of the input; its stream is called `NAME/0`. */
  readonly name: string;
  /** Task the input belongs to. Default 0. */
  readonly task?: number | undefined;
  /** A file of JSON Lines. Compressed by gzip or zstd it can be read whole only. */
  readonly path: string;
  /** true: go on with what is added, through rotation and truncation, as `tail -F` does. false: read it whole; then the stream is over. Default false. */
  readonly follow?: boolean | undefined;
  /** With `follow`, where nothing is committed yet: the file's `start`, or only what is added from now on (`end`). Default `start`. */
  readonly from?: 'start' | 'end' | undefined;
  /**
   * Small file in which the source notes which files its offsets belong to (inode, checksum of the head). Keep it beside the job's state; without it a
   * resumed offset cannot be told to belong to the file that is there now.
   */
  readonly positions: string;
  /** Event type of the lines. Default: the value's type field, or the input's type, says it. */
  readonly type?: string | undefined;
  /** ms between two looks at a file that has nothing new. Default 200. */
  readonly poll?: number | undefined;
}
