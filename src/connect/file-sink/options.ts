export interface FileSinkOptions {
  readonly name: string;
  /** JSON Lines are added to its end; it is made where it is not there. */
  readonly path: string;
  /** Force each batch onto the disk before it counts as sent. Default true. */
  readonly fsync?: boolean | undefined;
}
