// How the processes of a wire comparison talk: a line of JSON for each request, and one for each answer. It works in Bun as well.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** The flags of Node with which this process writes a CPU profile. A server of it gets the same. */
export const PROFILING = process.execArgv.filter((flag) => flag.startsWith('--cpu-prof'))

/**
 * Answers what the parent asks, until it is gone.
 *
 * @param {Readonly<Record<string, (argument: any) => unknown>>} commands
 */
export async function answerRequests(commands) {
  say({ ready: true })
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, argument } = JSON.parse(line)
    try {
      say({ answer: await commands[command](argument) })
    } catch (error) {
      say({ error: String(/** @type {Error} */ (error).message) })
    }
  }
  process.exit()
}

function say(/** @type {object} */ message) {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** A process that answers requests, one at a time. */
export class Talker {
  #child
  #lines
  #name
  #complaints = ''

  /**
   * @param {string} name for errors
   * @param {readonly string[]} command the program and its arguments
   */
  constructor(name, [program, ...args]) {
    this.#name = name
    this.#child = spawn(program, args, { stdio: 'pipe' })
    this.#child.stderr.setEncoding('utf8').on('data', (text) => { this.#complaints += text })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** Waits until it can be asked. */
  async ready() {
    await this.#next()
    return this
  }

  /**
   * @param {string} command
   * @param {unknown} [argument]
   * @returns {Promise<any>} its answer
   */
  ask(command, argument) {
    this.#child.stdin.write(`${JSON.stringify({ command, argument })}\n`)
    return this.#next()
  }

  /** Lets it go. A process that is killed writes no profile, but it goes by itself, if a little later. */
  end() {
    this.#child.stdin.end()
    if (PROFILING.length === 0) this.#child.kill()
  }

  async #next() {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error([`${this.#name} is gone`, this.#complaints].join('\n').trim())
    const { answer, error } = JSON.parse(value)
    if (error !== undefined) throw new Error(`${this.#name}: ${error}`)
    return answer
  }
}
