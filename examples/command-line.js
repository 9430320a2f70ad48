// What the command lines of the demo and of the desk have in common.
import { parseArgs } from 'node:util'

/** A mistake of whoever called: one clear line and exit code 2. */
export class UsageError extends Error {}

/**
 * The values of the options on a command line. Each is a text, but for `--help`.
 *
 * @template {string} TName
 * @param {string[]} args
 * @param {readonly TName[]} names
 * @returns {{ [K in TName]?: string } & { help?: boolean }}
 */
export function readArguments(args, names) {
  const texts = Object.fromEntries(names.map((name) => [name, /** @type {const} */ ({ type: 'string' })]))
  try {
    const { values } = parseArgs({ args, options: { ...texts, help: { type: 'boolean', short: 'h' } } })
    return /** @type {{ [K in TName]?: string } & { help?: boolean }} */ (values)
  } catch (error) {
    // Node explains some mistakes on several lines.
    throw new UsageError(/** @type {Error} */ (error).message.replaceAll('\n', ' '))
  }
}

/** @param {string | undefined} path */
export function parseFeedPath(path) {
  if (path === '') throw new UsageError('--feed needs the name of a file')
  return path
}
