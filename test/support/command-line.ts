import { parseArgs, type ParseArgsConfig } from 'node:util'

type Flags = NonNullable<ParseArgsConfig['options']>
export type Values = Readonly<Record<string, string | boolean | undefined>>

/** The options on the command line are invalid. */
export class UsageError extends Error {}

/** Reads the command line, or prints the usage and exits: with 0 for `--help`, with 2 on a mistake. */
export function readCommandLine<TOptions>(usage: string, flags: Flags, optionsIn: (values: Values) => TOptions): TOptions {
  try {
    const values = parseArgs({ options: { ...flags, help: { type: 'boolean' } } }).values as Values
    if (values['help'] !== true) return optionsIn(values)
  } catch (error) {
    endWithUsage(usage, error as Error)
  }
  console.log(usage)
  process.exit(0)
}

/** Prints the mistake and the usage, and exits with 2. */
export function endWithUsage(usage: string, { message }: Error): never {
  console.error(`${message}\n\n${usage}`)
  process.exit(2)
}

/** The option's whole number, at least `least`, or the fallback if it is absent. */
export function wholeNumber(values: Values, name: string, otherwise: number, least = 0): number {
  const text = values[name]
  if (text === undefined) return otherwise
  const value = Number(text)
  if (typeof text === 'string' && /^-?\d/.test(text) && Number.isSafeInteger(value) && value >= least) return value
  throw new UsageError(`--${name} must be a whole number, ${least} or more, got ${String(text)}`)
}

/** The option's number above 0, or the fallback if it is absent. */
export function positiveNumber(values: Values, name: string, otherwise: number): number {
  const text = values[name]
  if (text === undefined) return otherwise
  const value = Number(text)
  if (typeof text === 'string' && text.trim() !== '' && value > 0 && value < Infinity) return value
  throw new UsageError(`--${name} must be a number above 0, got ${String(text)}`)
}

/** The option's text, if it is present. */
export function textOf(values: Values, name: string): string | undefined {
  const text = values[name]
  return typeof text === 'string' ? text : undefined
}

/** A random seed, used if none is given. */
export function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31)
}

/** Shows the progress if the output is a terminal. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`)
}

/** Clears the last progress message. */
export function endProgress(): void {
  showProgress('')
}
