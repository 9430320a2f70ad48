import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createApp, listen, Prices } from '../../../examples/hosts/nest.ts'
import { openWs } from './clients/speaker.ts'
import { vanish } from './clients/vanish.ts'
import { connectWs } from './clients/ws-client.ts'
import { AT_ONCE } from './recipe-tests.ts'
import { testRecipe } from './test-recipe.ts'

testRecipe({ host: 'NestJS', recipe: 'nest.ts', packages: ['@nestjs/core', '@nestjs/platform-ws'], listen, beatsByClock: true, connect: connectWs })

const SUBSCRIBE = { command: 'subscribe', stream_type: 'PRICE', symbol: 'BTCUSDT' }
const RECIPES = fileURLToPath(new URL('../../../examples/hosts', import.meta.url))

/** A `main.ts`, as the recipe describes it. */
const MAIN = `
  const { createApp } = await import('./nest.ts')
  const app = await createApp()
  app.enableShutdownHooks()
  await app.listen(0, '127.0.0.1')
  console.log(app.getHttpServer().address().port)
`

/** @param {number} port */
async function open(port) {
  const { heard, say, tcp } = await openWs(port)
  /** @param {number} count */
  const frames = async (count) => {
    while (heard.length < count) await sleep(5)
    return heard.map((text) => JSON.parse(text))
  }
  const subscribe = (/** @type {string | undefined} */ position) => say(JSON.stringify({ ...SUBSCRIBE, position }))
  return { frames, subscribe, vanish: () => vanish(tcp) }
}

describe('an application of NestJS', { timeout: 30_000 }, () => {
  it('publishes by an injected service, and sends a client that comes back what it missed', async () => {
    const app = await createApp()
    await app.listen(0, '127.0.0.1')
    const { port } = /** @type {import('node:net').AddressInfo} */ (app.getHttpServer().address())
    const prices = app.get(Prices)
    const before = await open(port)
    before.subscribe(undefined)
    const [, { position }] = await before.frames(2)

    prices.publish('BTCUSDT', 1)
    const [, , first] = await before.frames(3)
    before.vanish()
    prices.publish('BTCUSDT', 2)
    const back = await open(port)
    back.subscribe(`${first.epoch}:${first.seq}`)
    const [, answer, missed] = await back.frames(3)
    back.vanish()
    await app.close()

    assert.deepEqual([position, first.data], [`${first.epoch}:0`, { bid: 1 }])
    assert.deepEqual([answer.recovered, missed.data], [true, { bid: 2 }])
  })

  it('drains at SIGTERM, if it has its shutdown hooks', async (test) => {
    const program = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', MAIN], { cwd: RECIPES, stdio: ['ignore', 'pipe', 'inherit'] })
    test.after(() => program.kill('SIGKILL'))
    const { value: port } = await createInterface({ input: program.stdout })[Symbol.asyncIterator]().next()
    const alice = await connectWs(Number(port), 'alice', [])

    program.kill('SIGTERM')
    const [[, signal]] = await Promise.all([once(program, 'exit'), alice.closed])

    assert.equal(signal, 'SIGTERM')
    assert.deepEqual(await alice.closedWith?.(), { code: 1012, reason: 'draining' })
  })

  it('survives a client that asks for an invalid upgrade and resets the connection', async (test) => {
    const { port, stop } = await listen()
    test.after(() => stop(AT_ONCE))
    const mallory = connectTcp(port, '127.0.0.1')

    mallory.write('GET // HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', () => vanish(mallory))
    await once(mallory, 'close')

    const alice = await connectWs(port, 'alice', [])
    await alice.destroy()
  })

  it('stops at once, even if a client has connected and sends nothing', async () => {
    const { port, stop } = await listen()
    const silent = connectTcp(port, '127.0.0.1').resume()
    await once(silent, 'connect')

    await Promise.all([stop(AT_ONCE), once(silent, 'close')])
  })
})
