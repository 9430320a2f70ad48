import { ConnectionManagerError, type ErrorCode } from '../../../../src/index.ts'

/** A manager does not throw those of a cluster. */
type ManagerErrorCode = Exclude<ErrorCode, 'ERR_INVALID_BACKPLANE' | 'ERR_CLUSTER_DOWN'>

const CODES: Readonly<Record<ManagerErrorCode, true>> = {
  ERR_INVALID_ID: true,
  ERR_INVALID_SOCKET: true,
  ERR_SOCKET_CLOSED: true,
  ERR_INVALID_ARGUMENT: true,
  ERR_INVALID_OPTION: true,
  ERR_INVALID_KEY: true,
  ERR_INVALID_MESSAGE: true,
  ERR_UNKNOWN_STREAM: true,
  ERR_UNKNOWN_USER: true,
  ERR_UNKNOWN_CONNECTION: true,
  ERR_DUPLICATE_CONNECTION: true,
  ERR_SYMBOL_REQUIRED: true,
  ERR_SYMBOL_NOT_ALLOWED: true,
  ERR_RECIPIENT_REQUIRED: true,
  ERR_RECIPIENT_NOT_ALLOWED: true,
  ERR_RECIPIENT_MISMATCH: true,
  ERR_UNSERIALIZABLE: true,
  ERR_PUBLISH_DEPTH: true,
  ERR_QUOTA_EXCEEDED: true,
  ERR_FORBIDDEN: true,
  ERR_CLOSED: true,
}

/** Every code that a refusal may have. */
export const ERROR_CODES: readonly string[] = Object.keys(CODES)

/** The code of what was thrown, if it is an error of the library's with a code of the contract's. */
export function codeOf(thrown: unknown): string | undefined {
  // User code may throw when it is looked at: then it is not ours.
  try {
    if (!(thrown instanceof ConnectionManagerError) || thrown.name !== 'ConnectionManagerError') return undefined
    return Object.hasOwn(CODES, thrown.code) ? thrown.code : undefined
  } catch {
    return undefined
  }
}
