/** What was asked for makes no sense. */
export class UsageError extends Error {}

/** Returns what `parse` makes of the arguments; what it throws is a `UsageError`. */
export function parsed<TValues>(parse: () => TValues): TValues {
  try {
    return parse()
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** @throws `UsageError` unless the text is a whole number, and not too small */
export function whole(name: string, value: string, least: number): number {
  if (/^\d{1,10}$/.test(value) && Number(value) >= least) return Number(value)
  throw new UsageError(`--${name} must be a whole number, ${least} or more, not ${JSON.stringify(value)}`)
}

/** @throws `UsageError` unless the text is a number above 0 */
export function positive(name: string, value: string): number {
  const number = Number(value)
  if (value.trim() !== '' && number > 0 && number < Infinity) return number
  throw new UsageError(`--${name} must be a number above 0, not ${JSON.stringify(value)}`)
}

/** The seed that was asked for, or a new one. */
export function seedOf(value: string | undefined): number {
  return value === undefined ? Math.floor(Math.random() * 2 ** 31) : whole('seed', value, 0)
}

/** Reads the arguments and does what they ask for; returns the exit code. */
export async function runCommand<TOptions extends object>(
  usage: string,
  optionsIn: (args: readonly string[]) => TOptions | 'help',
  run: (options: TOptions) => Promise<number>,
): Promise<number> {
  try {
    const options = optionsIn(process.argv.slice(2))
    if (options !== 'help') return await run(options)
    console.log(usage)
    return 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${usage}`)
    return 2
  }
}
