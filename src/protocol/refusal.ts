/** The codes with which the command server itself refuses commands. A refusal can also have a code of `ErrorCode`, or a code of the host's own. */
export type RefusalCode =
  | 'ERR_BAD_COMMAND'
  | 'ERR_UNKNOWN_COMMAND'
  | 'ERR_TOO_LARGE'
  | 'ERR_RATE_LIMITED'
  | 'ERR_BUSY'
  | 'ERR_TIMEOUT'
  | 'ERR_STALE'
  | 'ERR_FORBIDDEN'
  | 'ERR_FAILED'

/** How long a client should wait before it tries again, if the server does not know a better time. */
export const RETRY_MS = 1_000

/** Why a command is refused. `retryMs` is absent if asking again would not help, or might do the work twice. */
export interface Refusal {
  readonly code: string
  readonly retryMs?: number | undefined
}

/** Returns an error that stands for a refusal, so that code can throw the refusal. */
export function refusing(code: RefusalCode, retryMs?: number): Error {
  return Object.assign(new Error(code), { code, retryMs })
}

const LONGEST_CODE = 64

/**
 * Returns the refusal that an error stands for. Such an error has a `code` of at most 64 characters that begins with `ERR_`, and may have a
 * `retryMs`. Returns `undefined` for any other error and for `ERR_INVALID_OPTION`, because these are faults of the host.
 */
export function refusalIn(error: unknown): Refusal | undefined {
  try {
    const { code, retryMs } = error as Record<string, unknown>
    if (typeof code !== 'string' || !code.startsWith('ERR_') || code.length > LONGEST_CODE || code === 'ERR_INVALID_OPTION') return undefined
    return { code, retryMs: isDuration(retryMs) ? Math.ceil(retryMs) : undefined }
  } catch {
    return undefined
  }
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}
