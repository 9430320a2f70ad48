/**
 * What went wrong, as a stable string.
 *
 * | code | meaning |
 * | --- | --- |
 * | `ERR_CLOSED` | the client was closed by `close()` |
 * | `ERR_NOT_CONNECTED` | a request was made while the client was not `connected` |
 * | `ERR_DISCONNECTED` | the connection ended before the answer to a request |
 * | `ERR_TOO_MANY_REQUESTS` | 256 requests are open already |
 * | `ERR_CANNOT_SEND` | a command could not be sent, because the socket only receives, and there is no option `send` |
 * | any other | a code of the server, such as `ERR_FORBIDDEN`, or the reason why the server ended a subscription, such as `revoked` |
 */
export type ClientErrorCode =
  | 'ERR_CLOSED'
  | 'ERR_NOT_CONNECTED'
  | 'ERR_DISCONNECTED'
  | 'ERR_TOO_MANY_REQUESTS'
  | 'ERR_CANNOT_SEND'
  | (string & {})

/** An error of a client, or a refusal of its server. Recognise a `ClientError` by its `code`. */
export class ClientError extends Error {
  /** What went wrong. Match on the code, never on the message. */
  readonly code: ClientErrorCode
  /**
   * Milliseconds after which the same request may succeed. `undefined` if the server would refuse a repeated request again, or might do its
   * work twice. Also `undefined` for errors of the client itself.
   */
  readonly retryMs: number | undefined

  constructor(code: ClientErrorCode, retryMs?: number) {
    super(code)
    this.name = 'ClientError'
    this.code = code
    this.retryMs = retryMs
  }
}
