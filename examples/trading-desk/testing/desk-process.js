import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const DESK = fileURLToPath(new URL('../desk.js', import.meta.url))

/**
 * Opens a desk as one does by hand, in a process of its own.
 *
 * @param {readonly string[]} [args]
 * @param {'inherit' | 'ignore'} [errors] what becomes of what it says on stderr
 */
export async function startDesk(args = [], errors = 'inherit') {
  const process = spawn('node', [DESK, ...args], { stdio: ['ignore', 'pipe', errors] })
  const lines = createInterface({ input: process.stdout })
  /** @type {string[]} */
  const said = []
  lines.on('line', (line) => said.push(line))
  const ended = Promise.all([once(process, 'exit'), once(lines, 'close')]).then(([[code]]) => Number(code))
  await Promise.race([once(lines, 'line'), ended])
  const url = /http:\S+/.exec(said.join('\n'))?.[0] ?? ''
  return {
    url,
    port: url && new URL(url).port,
    said,
    /** @param {NodeJS.Signals} name */
    signal: (name) => process.kill(name),
    /** Resolves with the exit code. */
    ended,
  }
}
