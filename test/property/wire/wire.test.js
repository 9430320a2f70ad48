import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import * as newest from 'ws'
import * as oldest from 'ws-oldest'
import { ConnectionManager, defineStreams } from '../../../src/index.ts'
import { wsTransport } from '../../../src/transports/ws.ts'
import { connect } from './peer.js'

const RUNS = 300

const streams = defineStreams({ BOOK: { audience: 'public' }, FILLS: { audience: 'private' } })
const BOOK = { streamType: 'BOOK', symbol: 'X' }

/** How the clients and their server agree to compress. */
const EXTENSIONS = [
  undefined,
  'permessage-deflate',
  'permessage-deflate; server_no_context_takeover',
  'permessage-deflate; client_no_context_takeover; server_max_window_bits=10',
  ...[8, 9, 12, 15].map((bits) => `permessage-deflate; server_no_context_takeover; server_max_window_bits=${bits}`),
]

/** Contents that come again, so that a compressor refers back to an earlier message if it may. */
const FAMILIAR = Array.from({ length: 3 }, (_, i) => createHash('sha512').update(String(i)).digest('hex'))
const unit = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(...FAMILIAR, ...FAMILIAR.map((text) => new Uint8Array(Buffer.from(text)))),
)
/** As it is, or repeated to a length near one where the header or the threshold changes. */
const payload = fc.record({ unit, length: fc.option(fc.constantFrom(125, 126, 127, 1_023, 1_024, 1_025, 5_000, 65_535, 65_536, 70_000)) })

/** `host` is what the host hands to the socket itself, if nothing waits for that. */
const deed = fc.record({ kind: fc.constantFrom('public', 'public', 'public', 'private', 'own', 'host', 'ping'), payload })
/** After a turn that `isRead`, all clients have read everything, and ws is idle. */
const turns = fc.array(fc.record({ deeds: fc.array(deed, { maxLength: 8 }), isRead: fc.boolean() }), { minLength: 1, maxLength: 6 })
const peers = fc.array(fc.record({ ws: fc.constantFrom(newest, oldest), offer: fc.constantFrom(...EXTENSIONS) }), { minLength: 1, maxLength: 5 })
/** With a soft limit, private messages overtake public ones that wait. */
const options = fc.record({
  deflate: fc.constantFrom(undefined, deflateRawSync),
  threshold: fc.constantFrom(0, 100, 1_024),
  softLimitBytes: fc.constantFrom(Infinity, Infinity, 65_536),
})

/** The text, or the bytes. Long bytes are a view into a larger buffer. */
function contentOf({ unit, length }) {
  if (length === null || unit.length === 0) return unit
  if (typeof unit === 'string') return unit.repeat(Math.ceil(length / unit.length)).slice(0, length)
  return new Uint8Array(Buffer.alloc(length + 20, unit)).subarray(7, 7 + length)
}

/** What a client is to read of a content. */
function readAs(each) {
  return typeof each === 'string' ? each.toWellFormed() : `0x${Buffer.from(each).toString('hex')}`
}

/** Does one thing, and notes what each client is to read. Every other client is alice's. */
function perform({ kind, payload }, { manager, connections, expected }) {
  const text = contentOf(payload)
  const reaches = kind === 'private' ? (i) => i % 2 === 0 : () => kind !== 'ping'
  for (const [i, list] of expected.entries()) if (reaches(i)) list.push(readAs(text))
  if (kind === 'public') return void manager.publish(BOOK, { text })
  if (kind === 'private') return void manager.publish({ streamType: 'FILLS', userId: 'alice' }, { text })
  for (const connection of connections) {
    if (kind === 'ping') connection.socket.ping()
    else if (kind === 'host' && connection.flush()) connection.socket.send(text)
    else connection.send(text)
  }
}

describe('random texts and bytes in random turns', () => {
  it('are read by each client once, in order, as what they were', { timeout: 300_000 }, async (test) => {
    // The transport's own timers do not keep a process alive, and there is no network here that does.
    const alive = setInterval(() => {}, 1_000)
    test.after(() => clearInterval(alive))
    const seen = new Set()
    await fc.assert(
      fc.asyncProperty(peers, turns, options, fc.integer({ min: 0, max: 2_000 }), async (wanted, script, { softLimitBytes, ...compression }, wsThreshold) => {
        const inOrder = (list) => (softLimitBytes === Infinity ? list : list.toSorted())
        const manager = new ConnectionManager({ streams, transport: wsTransport(compression), delivery: { softLimitBytes, hardLimitBytes: Infinity } })
        const ends = []
        for (const { ws, offer } of wanted) ends.push(await connect(ws, offer, { perMessageDeflate: { threshold: wsThreshold } }))
        const connections = ends.map(({ socket }, i) => manager.addConnection(`c${i}`, socket, i % 2 === 0 ? 'alice' : 'bob'))
        for (const connection of connections) for (const stream of [BOOK, { streamType: 'FILLS' }]) connection.subscribe(stream)
        const expected = ends.map(() => [])
        const allRead = () => Promise.all(ends.map(({ client }, i) => client.until(expected[i].length)))

        for (const { deeds, isRead } of script) {
          for (const each of deeds) perform(each, { manager, connections, expected })
          await nextTurn()
          if (isRead) await allRead()
        }
        await allRead()
        await nextTurn()

        for (const [i, { client }] of ends.entries()) {
          assert.equal(client.error, undefined)
          assert.deepEqual(inOrder(client.received), inOrder(expected[i]))
          seen.add(`${wanted[i].offer}: ${JSON.stringify(client.params)}`)
        }
        assert.deepEqual([manager.connectionCount, manager.stats().failed], [ends.length, 0])
        for (const { socket } of ends) socket.terminate()
        await manager.cleanup({ deadlineMs: 0 })
      }),
      { numRuns: RUNS },
    )
    assert.ok(seen.size >= EXTENSIONS.length, [...seen].join('\n'))
  })
})
