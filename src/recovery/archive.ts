import { invalidOption } from '../guards/option-values.ts'

/** The state of a recovery as `export` writes it. Ages are in milliseconds, at the time of the export. */
export interface Archive {
  readonly version: 1
  /** When the export was made, in milliseconds since the Unix epoch. */
  readonly exportedAt: number
  readonly channels: readonly ArchivedChannel[]
  readonly floors: readonly ArchivedFloor[]
}

export interface ArchivedChannel {
  readonly streamType: string
  readonly symbol: string | null
  readonly userId: string | null
  readonly epochs: readonly { readonly epoch: string; readonly seq: number; readonly forgotten: number; readonly isForeign?: boolean }[]
  readonly messages: readonly ArchivedMessage[]
}

export interface ArchivedMessage {
  readonly epoch: string
  readonly seq: number
  readonly symbol: string | null
  readonly text: string
  readonly unstamped: string | null
  readonly ageMs: number
  /** The place of the message among all messages of the archive. The oldest message has the lowest number. */
  readonly order: number
}

interface ArchivedFloor {
  readonly userId: string | null
  readonly streamType: string | null
  readonly symbol: string | null
  readonly order: number
  readonly ageMs: number
}

/**
 * Reads a text that `export` wrote.
 *
 * @throws `ERR_INVALID_OPTION` for any other text
 */
export function readArchive(text: string): Archive {
  let archive: unknown
  let cause: unknown
  try {
    archive = JSON.parse(text)
    if (isArchive(archive)) return archive
  } catch (error) {
    cause = error
  }
  throw invalidOption('restore', 'expected a text from `export()`', cause)
}

function isArchive(value: unknown): value is Archive {
  const { version, exportedAt, channels, floors } = Object(value) as Partial<Archive>
  return version === 1 && typeof exportedAt === 'number' && areAll(channels, isChannel) && areAll(floors, isFloor)
}

function isChannel({ streamType, symbol, userId, epochs, messages }: ArchivedChannel): boolean {
  const isNamed = typeof streamType === 'string' && isTextOrNull(symbol) && isTextOrNull(userId)
  return isNamed && areAll(epochs, isEpoch) && areAll(messages, isMessage)
}

function isEpoch({ epoch, seq, forgotten, isForeign }: ArchivedChannel['epochs'][number]): boolean {
  return typeof epoch === 'string' && areCounts(seq, forgotten) && ['boolean', 'undefined'].includes(typeof isForeign)
}

function isMessage({ epoch, seq, symbol, text, unstamped, ageMs, order }: ArchivedMessage): boolean {
  return typeof epoch === 'string' && typeof text === 'string' && isTextOrNull(symbol) && isTextOrNull(unstamped) && areCounts(seq, order) && isAge(ageMs)
}

function isFloor({ userId, streamType, symbol, order, ageMs }: ArchivedFloor): boolean {
  return [userId, streamType, symbol].every(isTextOrNull) && areCounts(order) && isAge(ageMs)
}

function areAll<TItem>(items: unknown, isValid: (item: TItem) => boolean): boolean {
  return Array.isArray(items) && (items as unknown[]).every((item) => isValid(Object(item) as TItem))
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string'
}

function isAge(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

function areCounts(...values: readonly unknown[]): boolean {
  return values.every((value) => Number.isSafeInteger(value) && (value as number) >= 0)
}
