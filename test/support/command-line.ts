import { parseArgs, type ParseArgsConfig } from 'node:util'

type Flags = NonNullable<ParseArgsConfig['options']>
export type Values = Readonly<Record<string, string | boolean | undefined>>

/** What was asked for makes no sense. */
export class UsageError extends Error {}

/** Reads the command line, or says how it is meant to be used and ends: with 0 when asked, with 2 on a mistake. */
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

/** Says what is wrong and how the command is meant to be used, and ends with 2. */
export function endWithUsage(usage: string, { message }: Error): never {
  console.error(`${message}\n\n${usage}`)
  process.exit(2)
}

/** The whole number, `least` or more, that an option has, or what it is without. */
export function wholeNumber(values: Values, name: string, otherwise: number, least = 0): number {
  const text = values[name]
  if (text === undefined) return otherwise
  const value = Number(text)
  if (typeof text === 'string' && /^-?\d/.test(text) && Number.isSafeInteger(value) && value >= least) return value
  throw new UsageError(`--${name} must be a whole number, ${least} or more, got ${String(text)}`)
}

/** The number above 0 that an option has, or what it is without. */
export function positiveNumber(values: Values, name: string, otherwise: number): number {
  const text = values[name]
  if (text === undefined) return otherwise
  const value = Number(text)
  if (typeof text === 'string' && text.trim() !== '' && value > 0 && value < Infinity) return value
  throw new UsageError(`--${name} must be a number above 0, got ${String(text)}`)
}

/** The text that an option has, if it is there. */
export function textOf(values: Values, name: string): string | undefined {
  const text = values[name]
  return typeof text === 'string' ? text : undefined
}

/** A seed that nobody has asked for. */
export function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31)
}

/** Says how far it has come, where somebody watches. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`)
}

/** Takes the last word on progress away. */
export function endProgress(): void {
  showProgress('')
}
