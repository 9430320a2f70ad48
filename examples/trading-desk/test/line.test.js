import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, connect } from 'node:net'
import { after, before, beforeEach, afterEach, describe, it } from 'node:test'
import { Line } from '../server/line.js'
import { until } from '../testing/until.js'

/** @import { AddressInfo, Server, Socket } from 'node:net' */

/** @type {Server} */
let server
/** @type {Line} */
let line
/** @type {Socket} */
let peer
/** What the peer received. */
let received = ''

before(async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
})

beforeEach(async () => {
  received = ''
  peer = connect(/** @type {AddressInfo} */ (server.address()).port, '127.0.0.1')
  peer.on('data', (bytes) => received += bytes)
  const [tcp] = await once(server, 'connection')
  line = new Line(tcp)
})

afterEach(() => {
  line.destroy()
  peer.destroy()
})

after(() => server.close())

/** A TCP connection that takes everything. */
const tcpThatCounts = Object.assign(new EventEmitter(), {
  bytes: 0,
  setTimeout() {},
  setNoDelay() {},
  /** @param {Uint8Array} bytes */
  write(bytes) {
    this.bytes += bytes.length
    return true
  },
})

describe('Line', () => {
  it('passes on what is written, and is empty then', async () => {
    line.write('one ')
    line.write('two')

    await until('both', () => received === 'one two')
    assert.equal(line.writableLength, 0)
  })

  it('passes on what comes from the peer, however slow it is', async () => {
    line.setPace(1)
    peer.write('hello')

    const [bytes] = await once(line, 'data')
    assert.equal(String(bytes), 'hello')
  })

  it('holds back what a slow line cannot take yet, and tells how much', async () => {
    line.setPace(0.001)

    line.write('x'.repeat(500))
    const isWritable = line.write('y'.repeat(600))

    assert.equal(line.writableLength, 1_100)
    assert.equal(isWritable, false)
    assert.ok(line.isSlow)
  })

  it('passes on in slices, in order, and tells of the drain', async () => {
    line.setPace(100_000)
    const text = Array.from({ length: 500 }, (_, i) => `${i} `).join('')
    line.write(text.slice(0, 777))
    line.write(text.slice(777))

    await once(line, 'drain')
    await until('all of it', () => received === text)
    assert.equal(line.writableLength, 0)
  })

  it('keeps its pace, although timers are late, and gets nothing ahead for a time in which nothing was written', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const clock = { nowMs: 0 }
    const late = new Line(/** @type {Socket} */ (/** @type {unknown} */ (tcpThatCounts)), () => clock.nowMs)
    late.setPace(1_000)
    late.write('x'.repeat(200))
    late.write('y'.repeat(300))

    clock.nowMs = 420
    t.mock.timers.tick(100)
    for (let i = 0; i < 5; i++) t.mock.timers.tick(1)
    const inTime = tcpThatCounts.bytes
    t.mock.timers.tick(100)
    clock.nowMs = 10_000
    late.write('z'.repeat(100))
    t.mock.timers.tick(99)

    assert.deepEqual([inTime, tcpThatCounts.bytes], [400, 500])
  })

  it('lets what it held back through at once when it is slow no more', async () => {
    line.setPace(0.001)
    line.write('one ')
    line.write('two')

    line.setPace(Infinity)

    await until('both', () => received === 'one two')
    assert.equal(line.isSlow, false)
  })

  it('ends when the peer does, though it is slow', async () => {
    line.setPace(0.001)
    line.write('one')
    peer.destroy()

    await once(line, 'close')
  })

  it('ends the peer when it is destroyed', async () => {
    line.destroy()

    await once(peer, 'close')
  })

  it('passes on all that was written before its end', async () => {
    line.setPace(1_000)
    line.end('the end')

    await once(peer, 'end')
    assert.equal(received, 'the end')
  })
})
