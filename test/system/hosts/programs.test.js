import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { afterEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectWs } from './clients/ws-client.ts'

/** @import { ChildProcess } from 'node:child_process' */

const RECIPES = fileURLToPath(new URL('../../../examples/hosts', import.meta.url))
/** Of other runtimes. */
const ON_OTHER_RUNTIMES = ['bun.ts', 'deno.ts', 'workers.ts']

/** @type {ChildProcess[]} */
const programs = []

/** @param {string[]} args */
function run(...args) {
  const program = spawn(process.execPath, ['--import', 'tsx', ...args], { cwd: RECIPES, stdio: ['ignore', 'pipe', 'inherit'] })
  programs.push(program)
  return program
}

describe('a recipe', { timeout: 60_000 }, () => {
  afterEach(() => programs.forEach((program) => program.kill('SIGKILL')))

  it('starts nothing when it is imported', async () => {
    const recipes = readdirSync(RECIPES).filter((name) => name.endsWith('.ts') && name !== 'serve.ts' && !ON_OTHER_RUNTIMES.includes(name))
    const program = run('--input-type=module', '--eval', recipes.map((name) => `await import('./${name}')`).join('\n'))

    const [code] = await once(program, 'exit')

    assert.equal(code, 0)
    assert.ok(recipes.length > 11)
  })

  it('serves as a program, until it is told to stop', async () => {
    const program = run('serve.ts', 'ws', '0')
    const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]()
    const { value: greeting } = await lines.next()
    const port = Number(/^ws listens on 127\.0\.0\.1:(\d+)$/.exec(greeting)?.[1])

    const client = await connectWs(port, 'alice', [{ streamType: 'PRICE', symbol: 'BTCUSDT' }])
    while (client.received.length === 0) await sleep(5)
    program.kill('SIGTERM')
    const [[code]] = await Promise.all([once(program, 'exit'), client.closed])

    assert.equal(code, 0)
    assert.match((await lines.next()).value, /^\{ told: 1, left: 0, closed: 1, remained: 0, tookMs: \d/)
  })
})
