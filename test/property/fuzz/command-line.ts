import { parseArgs, type ParseArgsConfig } from 'node:util'

type Flags = NonNullable<ParseArgsConfig['options']>
type Values = Readonly<Record<string, string | boolean | undefined>>

/** Reads the command line, or says how it is meant to be used and ends: with 0 when asked, with 2 on a mistake. */
export function readCommandLine<TSettings>(usage: string, options: Flags, settingsOf: (values: Values) => TSettings): TSettings {
  try {
    const values = parseArgs({ options: { ...options, help: { type: 'boolean' } } }).values as Values
    if (values['help'] !== true) return settingsOf(values)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(2)
  }
  console.log(usage)
  process.exit(0)
}

/** A whole number, `least` or more, that an option says, or what it is without. */
export function wholeNumber(values: Values, name: string, otherwise: number, least = 0): number {
  const text = values[name]
  if (text === undefined) return otherwise
  const value = Number(text)
  if (typeof text === 'string' && /^\d/.test(text) && Number.isSafeInteger(value) && value >= least) return value
  throw new Error(`--${name} must be a whole number, ${least} or more, got ${String(text)}`)
}

/** Says how far it has come, where somebody watches. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`)
}

/** Takes the last word on progress away. */
export function endProgress(): void {
  showProgress('')
}
