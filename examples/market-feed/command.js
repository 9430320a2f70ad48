/** @import { Scope } from './plan.js' */
/** @import { Stream } from './stream.js' */

/**
 * What a client may ask for.
 *
 * @typedef {SubscriptionCommand | { type: 'leave' } | { type: 'cue done', cue: number }} Command
 *
 * @typedef {{ type: 'subscribe' | 'unsubscribe', scope: Scope } & Stream} SubscriptionCommand
 */

/** A text that is no command. */
export class CommandError extends Error {}

/**
 * The text of a command, for the wire.
 *
 * @param {Command} command
 */
export function commandText(command) {
  if (!('streamType' in command)) return JSON.stringify(command)
  const { type, scope, streamType, symbol } = command
  return JSON.stringify({ type, scope, stream_type: streamType, symbol })
}

/**
 * Checks what is a command's own. Stream type and symbol are passed on as they came: the library checks them.
 *
 * @param {string} text
 * @returns {Command}
 */
export function parseCommand(text) {
  const { type, scope, cue, stream_type: streamType, symbol } = parseRecord(text)
  switch (type) {
    case 'subscribe':
    case 'unsubscribe':
      if (scope !== 'user' && scope !== 'connection') throw new CommandError('The scope is "user" or "connection"')
      return { type, scope, .../** @type {Stream} */ ({ streamType, symbol }) }
    case 'leave':
      return { type }
    case 'cue done':
      if (typeof cue !== 'number') throw new CommandError('A cue is a number')
      return { type, cue }
    default:
      throw new CommandError('No such command')
  }
}

/**
 * @param {string} text
 * @returns {Record<string, unknown>}
 */
function parseRecord(text) {
  try {
    return Object(JSON.parse(text))
  } catch {
    throw new CommandError('A command is a JSON object')
  }
}
