/** The largest number of commands, and of UTF-16 units, that a server accepts in one text by default. */
const MOST_COMMANDS = 100
const MOST_UNITS = 16_384

/** Returns the JSON text of an array of commands. */
export function arrayOf(commands: readonly string[]): string {
  return `[${commands.join()}]`
}

/** Joins commands into texts that do not exceed the default limits of a server. A command that is too long by itself gets a text of its own. */
export function textsOf(commands: readonly string[]): string[] {
  const arrays: string[][] = []
  for (const command of commands) {
    const last = arrays.at(-1)
    if (last && last.length < MOST_COMMANDS && arrayOf([...last, command]).length <= MOST_UNITS) last.push(command)
    else arrays.push([command])
  }
  return arrays.map(arrayOf)
}
