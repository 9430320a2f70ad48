// What a client can do that sends commands and reads nothing, on real ws.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'
import { serveWebSockets } from '../../../src/hosts/ws.ts'
import { ConnectionManager } from '../../../src/index.ts'
import { createCommandServer } from '../../../src/protocol/index.ts'

const SOFT_LIMIT_BYTES = 65_536
const HARD_LIMIT_BYTES = 262_144
const COMMAND = JSON.stringify({ command: 'echo', id: 1, data: 'x'.repeat(8_000) })
const MIB = 1_048_576
/** What the garbage collector has not freed yet, and the code that was compiled meanwhile. */
const SLACK_BYTES = 8 * MIB

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 16_384 })
/** @type {import('node:child_process').ChildProcess | undefined} */
let flooder

afterEach(() => {
  flooder?.kill('SIGKILL')
  for (const socket of server.clients) socket.terminate()
  server.close()
})

/** Serves a command that answers with its data, at any rate. */
async function serve() {
  const manager = new ConnectionManager({ delivery: { softLimitBytes: SOFT_LIMIT_BYTES, hardLimitBytes: HARD_LIMIT_BYTES } })
  const commands = createCommandServer(manager, { commands: { echo: ({ data }) => data }, limits: { perSecond: 1_000_000, burst: 1_000_000 } })
  serveWebSockets(server, { manager, commands, authenticate: () => ({ userId: 'mallory' }) })
  if (server.address() === null) await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { manager, url: `ws://127.0.0.1:${port}/` }
}

/** Bytes on the heap and in buffers, without garbage. */
function heldBytes() {
  const collectGarbage = /** @type {() => void} */ (globalThis.gc)
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('a client that floods commands and reads nothing', { timeout: 60_000 }, () => {
  it('is ended as a slow consumer, and costs the server at most the hard limit and what two turns bring', async (t) => {
    const { manager, url } = await serve()
    /** @type {string[]} */
    const removals = []
    manager.on('connectionRemoved', ({ reason }) => void removals.push(reason))
    flooder = fork(fileURLToPath(new URL('flooder.js', import.meta.url)), [url, COMMAND], { execArgv: [] })
    const [socket] = /** @type {[import('ws').WebSocket]} */ (await once(server, 'connection'))
    const most = { waiting: 0, inTurn: 0, held: 0 }
    let inTurn = 0
    socket.on('message', (text) => void (inTurn += /** @type {Buffer} */ (text).length))
    const heldBefore = heldBytes()

    for (let turns = 0; removals.length === 0; turns++) {
      inTurn = 0
      await nextTurn()
      most.inTurn = Math.max(most.inTurn, inTurn)
      most.waiting = Math.max(most.waiting, socket.bufferedAmount + manager.stats().waitingBytes)
      if (turns % 100 === 0) most.held = Math.max(most.held, heldBytes() - heldBefore)
    }

    const bound = SOFT_LIMIT_BYTES + HARD_LIMIT_BYTES + 2 * most.inTurn
    t.diagnostic(`waited at most: ${most.waiting} bytes; a turn brought at most ${most.inTurn}; held at most ${(most.held / MIB).toFixed(1)} MiB more`)
    assert.deepEqual(removals, ['slow-consumer'])
    assert.ok(most.waiting >= SOFT_LIMIT_BYTES && most.waiting <= bound, `${most.waiting} bytes waited`)
    assert.ok(most.held <= bound + SLACK_BYTES, `${most.held} more bytes were held`)
  })
})
