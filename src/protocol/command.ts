import { refusalIn } from './refusal.ts'
import { textIn } from './text.ts'

/** A command of a client. Anything that cannot be read as a command has the kind `flawed`. */
export type Command = SubscribeCommand | UnsubscribeCommand | PingCommand | OwnCommand | FlawedCommand

interface Numbered {
  /** The number that the client gave the command. The answer has the same number. */
  readonly id: number | undefined
}

export interface SubscribeCommand extends Numbered {
  readonly kind: 'subscribe'
  readonly streamType: string
  readonly symbol: string | undefined
  readonly filters: Readonly<Record<string, unknown>> | undefined
  /** The position, as the client sent it. It may be any JSON value except `null`. `undefined` if the client sent none, or `null`. */
  readonly position: unknown
}

export interface UnsubscribeCommand extends Numbered {
  readonly kind: 'unsubscribe'
  readonly streamType: string
  readonly symbol: string | undefined
}

interface PingCommand extends Numbered {
  readonly kind: 'ping'
}

export interface OwnCommand extends Numbered {
  readonly kind: 'own'
  readonly name: string
  readonly data: unknown
}

interface FlawedCommand extends Numbered {
  readonly kind: 'flawed'
  readonly code: string
}

/** The limits for one text of a client. */
export interface TextLimits {
  readonly textUnits: number
  readonly commandsPerText: number
}

/** Names that a host cannot give to its own commands. */
export const RESERVED_NAMES: readonly string[] = ['subscribe', 'unsubscribe', 'ping']

/**
 * Returns the commands in a text that a client sent. Bytes are accepted too. Never throws. A text that cannot be read, or that has too many commands,
 * is returned as one flawed command.
 */
export function readCommands(given: unknown, { textUnits, commandsPerText }: TextLimits): readonly Command[] {
  try {
    const body: unknown = JSON.parse(textIn(given, textUnits))
    if (!Array.isArray(body)) return [readCommand(body)]
    return body.length > commandsPerText ? [flawed(undefined, 'ERR_TOO_LARGE')] : body.map(readCommand)
  } catch (error) {
    return [flawed(undefined, refusalIn(error)?.code)]
  }
}

function readCommand(body: unknown): Command {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return flawed(undefined)
  const { id: givenId, command, ...fields } = body as Record<string, unknown>
  const id = isCommandId(givenId) ? givenId : undefined
  if (typeof command !== 'string' || (id === undefined && givenId !== undefined)) return flawed(id)
  if (command === 'ping') return { kind: 'ping', id }
  if (command === 'subscribe' || command === 'unsubscribe') return readStreamCommand(command, id, fields)
  return { kind: 'own', id, name: command, data: fields['data'] }
}

function readStreamCommand(kind: 'subscribe' | 'unsubscribe', id: number | undefined, fields: Record<string, unknown>): Command {
  const { stream_type: streamType, position } = fields
  const symbol = fields['symbol'] ?? undefined
  const filters = fields['filters'] ?? undefined
  if (typeof streamType !== 'string' || !isTextOrNone(symbol) || !isObjectOrNone(filters)) return flawed(id)
  if (kind === 'unsubscribe') return { kind, id, streamType, symbol }
  return { kind, id, streamType, symbol, filters, position: position ?? undefined }
}

function flawed(id: number | undefined, code = 'ERR_BAD_COMMAND'): FlawedCommand {
  return { kind: 'flawed', id, code }
}

function isCommandId(id: unknown): id is number {
  return Number.isSafeInteger(id) && (id as number) >= 0
}

function isTextOrNone(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function isObjectOrNone(value: unknown): value is Record<string, unknown> | undefined {
  return value === undefined || (typeof value === 'object' && !Array.isArray(value))
}
