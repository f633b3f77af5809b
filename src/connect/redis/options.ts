/** Where Redis is: exactly one of `url`, `sentinels` with `master`, `cluster`. */
export interface RedisConnection {
  /** `redis://user:password@host:6379/0`, `rediss://…`; a password in it is never logged. */
  readonly url?: string | undefined;
  readonly sentinels?: readonly { readonly host: string; readonly port: number }[] | undefined;
  /** The name under which the sentinels know the master. */
  readonly master?: string | undefined;
  readonly cluster?: readonly { readonly host: string; readonly port: number }[] | undefined;
  readonly username?: string | undefined;
  /** Never logged. */
  readonly password?: string | undefined;
  /** Node's TLS options, handed to the client as they are. */
  readonly tls?: object | undefined;
  /** ms in which a connection must stand. Default 10,000. */
  readonly connectTimeout?: number | undefined;
  /** ms in which a command must be answered; then it counts as failed and is sent again. Default 10,000. */
  readonly commandTimeout?: number | undefined;
}
