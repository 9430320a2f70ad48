import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const DEADLINE_MS = 30_000
/** Debian has the server of NATS in the last one, and not every PATH does. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`

/** A folder in which the code of a guide runs, as its reader runs it. This library is installed in it. */
export class GuideFolder {
  /** @type {string} */
  path = mkdtempSync(join(tmpdir(), 'guide-'))
  /** @type {Set<import('node:child_process').ChildProcess>} */
  #running = new Set()

  constructor() {
    this.install('stream-connection-manager', new URL('../', import.meta.url))
    this.write('package.json', '{"type":"module"}')
  }

  /**
   * @param {string} name of a package
   * @param {URL} from its folder
   */
  install(name, from) {
    const to = join(this.path, 'node_modules', name)
    mkdirSync(dirname(to), { recursive: true })
    symlinkSync(fileURLToPath(from), to)
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  write(name, text) {
    writeFileSync(join(this.path, name), text)
  }

  /**
   * Runs a file of this folder in Node.
   *
   * @param {string} file
   * @param {Record<string, string>} [env]
   */
  run(file, env) {
    return this.start(process.execPath, [file], env)
  }

  /**
   * @param {string} command
   * @param {readonly string[]} parameters
   * @param {Record<string, string>} [env]
   */
  start(command, parameters, env = {}) {
    const program = spawn(command, parameters, { cwd: this.path, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, PATH, ...env } })
    const exit = once(program, 'exit')
    this.#running.add(program)
    program.once('exit', () => this.#running.delete(program))
    let printed = ''
    program.stdout.setEncoding('utf8').on('data', (chunk) => (printed += chunk))
    return {
      /** The lines that it has printed. */
      lines: () => printed.split('\n').slice(0, -1),
      /**
       * Resolves to its exit code.
       *
       * @param {NodeJS.Signals} signal
       */
      async end(signal) {
        program.kill(signal)
        const [code] = await exit
        return code
      },
    }
  }

  /** Kills the programs that still run. */
  killAll() {
    for (const program of this.#running) program.kill('SIGKILL')
  }

  remove() {
    rmSync(this.path, { recursive: true })
  }
}

export async function freePort() {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return address.port
}

/** @param {() => boolean | Promise<boolean>} holds */
export async function until(holds) {
  const deadlineMs = performance.now() + DEADLINE_MS
  while (!(await holds())) {
    assert.ok(performance.now() < deadlineMs, `It was not so within ${DEADLINE_MS} ms: ${holds}`)
    await sleep(20)
  }
}
