import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { WebSocketServer } from 'ws'
import { ConnectionManager } from '../../../dist/index.js'
import { wsTransport } from '../../../dist/transports/ws.js'

const CLIENTS = 2_000
const STUCK = 200
const SOFT_LIMIT_BYTES = 65_536
const HARD_LIMIT_BYTES = 262_144
const MESSAGE_BYTES = 4_000
const MIB = 2 ** 20

const TRADES = { streamType: 'TRADES', symbol: 'BTCUSDT' }
const PRICE = { streamType: 'PRICE', symbol: 'BTCUSDT' }
const ORDERS = { streamType: 'ORDER_UPDATES' }

// A deadlock is to end as a failure.
const options = { timeout: 60_000 }

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')

/** Bytes that this process holds, once nothing is left to be collected. */
async function heldBytes() {
  let least = Infinity
  for (let i = 0; i < 4; i++) {
    await nextTick()
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    least = Math.min(least, heapUsed + external)
  }
  return least
}

function assertEnoughOpenFiles() {
  const { soft } = process.report.getReport().userLimits.open_files
  const enough = soft === 'unlimited' || soft >= CLIENTS + 100
  assert.ok(enough, `${CLIENTS} sockets need more open files than ${soft}: raise the limit (ulimit -n)`)
}

async function until(condition) {
  while (!condition()) await sleep(5)
}

describe('ConnectionManager with wsTransport, 200 of 2,000 clients stuck', options, () => {
  const connections = []
  const removals = []
  let server
  let clients
  let manager
  let trades = 0

  const stuckConnections = () => connections.slice(0, STUCK)

  function publishTrade() {
    manager.publish({ ...TRADES, data: { n: ++trades, padding: 'x'.repeat(100) } })
  }

  /** Waits until each of the others has every trade; the numbers are the clients' own. */
  async function assertEverybodyElseHasAll() {
    clients.send({ expected: trades })
    const [report] = await once(clients, 'message')
    assert.deepEqual(report, { fewest: trades, most: trades, outOfOrder: 0 })
  }

  before(async () => {
    assertEnoughOpenFiles()
    manager = new ConnectionManager({
      transport: wsTransport(),
      delivery: { softLimitBytes: SOFT_LIMIT_BYTES, hardLimitBytes: HARD_LIMIT_BYTES },
    })
    manager.on('connectionRemoved', ({ connection, reason }) => removals.push(`${connection.id} ${reason}`))
    server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    server.on('connection', (socket, { url }) => {
      const connection = manager.addConnection(url, socket, url)
      connection.subscribe(TRADES)
      socket.on('close', () => connection.remove({ close: false }))
      connections[Number(url.slice(1))] = connection
    })
    await once(server, 'listening')
    const url = `ws://127.0.0.1:${server.address().port}`
    const program = fileURLToPath(new URL('many-clients.js', import.meta.url))
    clients = fork(program, [url, String(CLIENTS), String(STUCK)])
    await once(clients, 'message')
  })

  after(async () => {
    await manager.cleanup({ deadlineMs: 0 })
    for (const socket of server.clients) socket.terminate()
    server.close()
    clients.disconnect()
    await once(clients, 'exit')
  })

  it('delivers everything to the other clients, bounds the memory of the stuck ones, and frees it when they are disconnected', async (t) => {
    const boundBytes = STUCK * (SOFT_LIMIT_BYTES + HARD_LIMIT_BYTES + 2 * MESSAGE_BYTES)
    for (let i = 0; i < 20; i++) publishTrade()
    await assertEverybodyElseHasAll()
    const bytesBefore = await heldBytes()

    // One that conflates fills the system's buffers, and leaves no more than one message waiting.
    for (const connection of stuckConnections()) for (const stream of [PRICE, ORDERS]) connection.subscribe(stream)
    while (manager.stats().connectionsBehind < STUCK) {
      manager.publish({ ...PRICE, data: 'x'.repeat(SOFT_LIMIT_BYTES / 2) })
      await nextTick()
    }
    // What belongs to one user is shared with nobody.
    const fits = Math.floor((HARD_LIMIT_BYTES - SOFT_LIMIT_BYTES) / MESSAGE_BYTES)
    for (let n = 1; n <= fits; n++) {
      for (const { userId } of stuckConnections()) {
        manager.publish({ ...ORDERS, userId, data: { n, padding: 'x'.repeat(MESSAGE_BYTES - 200) } })
      }
      publishTrade()
      await nextTick()
    }
    await assertEverybodyElseHasAll()
    const stuck = manager.stats()
    const removedWhileStuck = removals.length
    const bytesStuck = await heldBytes()

    const stuckTcp = stuckConnections().map(({ socket }) => socket._socket)
    while (removals.length < STUCK) {
      for (let i = 0; i < 20; i++) publishTrade()
      await nextTick()
    }
    const destroyed = stuckTcp.filter(({ destroyed }) => destroyed).length
    await assertEverybodyElseHasAll()
    await until(() => server.clients.size === CLIENTS - STUCK)
    const freed = manager.stats()
    const bytesAfter = await heldBytes()

    const inMib = [bytesBefore, bytesStuck, bytesAfter, boundBytes].map((bytes) => (bytes / MIB).toFixed(1))
    t.diagnostic(`MiB held before, stuck, after: ${inMib.slice(0, 3).join(', ')}; bound of the growth: ${inMib[3]}`)
    t.diagnostic(`waited for one connection at most: ${freed.mostWaitingBytes}; for all: ${stuck.waitingBytes}`)
    assert.deepEqual([stuck.connectionsBehind, removedWhileStuck], [STUCK, 0])
    assert.ok(freed.mostWaitingBytes <= HARD_LIMIT_BYTES + MESSAGE_BYTES)
    assert.ok(bytesStuck - bytesBefore <= boundBytes, `grew by ${bytesStuck - bytesBefore}`)
    assert.deepEqual(removals.toSorted(), stuckConnections().map(({ id }) => `${id} slow-consumer`).toSorted())
    assert.equal(destroyed, STUCK)
    assert.deepEqual([freed.connectionsBehind, freed.waitingBytes, freed.waiting], [0, 0, 0])
    assert.ok(bytesAfter <= bytesBefore + 4 * MIB, `${bytesAfter - bytesBefore} more than before`)
  })
})
