import type { PublishableMessage } from '../../model/stream-message.ts'
import { serializeStreamMessage } from '../../model/wire-form.ts'
import { book, books, order, orders, price, prices, trade, trades } from './messages.ts'
import type { TrialClient } from './trial-client.ts'
import type { Trial } from './trial.ts'

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT']
const USERS = ['alice', 'bob', 'carol', 'dave']
const CHUNK = 'x'.repeat(64 * 1_024)
const HEAVY_COUNT = 16
const STREAMS = SYMBOLS.flatMap((symbol) => [prices(symbol), books(symbol), trades(symbol)])

/** Among many clients and streams, each client receives the messages of its own streams, once and in order. */
export async function deliversExactly(trial: Trial): Promise<void> {
  const host = await trial.start()
  for (let i = 0; i < 10; i++) {
    const streams = STREAMS.filter((_, k) => (i + k) % (1 + (i % 5)) === 0)
    await host.connect(USERS[i % USERS.length] as string, ...streams)
  }
  for (let tick = 0; tick < 20; tick++) await host.publish(...messagesOf(tick))
  await host.delivers()
}

function messagesOf(tick: number): PublishableMessage[] {
  const messages = SYMBOLS.flatMap((symbol) => [price(symbol, { tick }), book(symbol, { tick }), trade(symbol, { tick })])
  return tick % 2 === 0 ? messages : messages.reverse()
}

/** Data that faulty framing or encoding could damage. */
const AWKWARD: readonly unknown[] = [
  '',
  'žluťoučký kůň, 価格, السعر, 🂡👩‍👩‍👧',
  '\u2028 \u2029 \u0000 \u0007 \u001b \ufeff',
  'data: 1\n\nid: 2\r\nevent: end\r\r:',
  '\ud83d alone, and \udc4d alone',
  '"quoted" \\ escaped </script> &amp; %00',
  { __proto__: null, 'a key of {}': [[[{ deep: [null, true, -1.5e-7, 1e21] }]]] },
  ['42["message"]', '\u001e', '\u0000\u00ff'],
]

/** Lengths around those at which the header of a WebSocket frame changes, and one length far above the soft limit of a connection. */
const EDGE_BYTES = [125, 126, 127, 65_535, 65_536, 65_537, 300_000]

/** Every text arrives unchanged, regardless of its content and length. */
export async function deliversUnchanged(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.connect('alice', trades('ЖΩ🂡'), trades('T'))
  await host.publish(...AWKWARD.map((data) => trade('ЖΩ🂡', data)))
  await host.delivers()
  for (const bytes of EDGE_BYTES) {
    await host.publish(tradeOfBytes(bytes))
    await host.delivers()
  }
  await host.publish(trade('T', '価'.repeat(100_000)))
  await host.delivers()
}

/** Returns a trade whose wire form has this many bytes. */
function tradeOfBytes(bytes: number): PublishableMessage {
  return trade('T', 'x'.repeat(bytes - serializeStreamMessage(trade('T', '')).length))
}

/**
 * If thousands of messages, or several megabytes, are published in one turn, all of them arrive, in order within each stream. All of them arrive even
 * if the client has connected only a moment before.
 */
export async function deliversBursts(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.connectForPressure('bob', trades('BTCUSDT'))
  await host.connectForPressure('alice', books('BTCUSDT'), trades('BTCUSDT'), orders())
  for (const burst of [heavyBurst(), burstOf(1_000), heavyBurst()]) {
    await host.publish(...burst)
    await host.delivers()
  }
  await host.settles()
}

/** If messages are published right before the manager shuts down, in the same turn, all of them arrive. */
export async function deliversBeforeShutdown(trial: Trial): Promise<void> {
  const host = await trial.start()
  const clients = [
    await host.connectForPressure('alice', books('BTCUSDT'), trades('BTCUSDT'), orders()),
    await host.connectForPressure('bob', trades('BTCUSDT')),
  ]
  await host.delivers()
  await host.cleanup(...heavyBurst())
  await host.hasDelivered()
  host.expectGone(...clients)
  for (const client of clients) await client.seesItsConnectionEnd()
  await host.hasRightCounts()
}

/** Returns `count` messages of each of three streams. */
function burstOf(count: number, dataOf: (i: number) => unknown = (i) => i): PublishableMessage[] {
  const data = Array.from({ length: count }, (_, i) => dataOf(i))
  return data.flatMap((each) => [book('BTCUSDT', each), trade('BTCUSDT', each), order('alice', each)])
}

/** Returns a burst of 3 MiB: three times the default hard limit. */
function heavyBurst(): PublishableMessage[] {
  return burstOf(HEAVY_COUNT, (i) => [i, CHUNK])
}

/** If clients leave while messages are on their way to them, the other clients still receive everything. */
export async function deliversWhileOthersLeave(trial: Trial): Promise<void> {
  const host = await trial.start()
  const streams = [books('BTCUSDT'), trades('BTCUSDT'), orders()]
  const leaving: TrialClient[] = []
  for (const userId of USERS) leaving.push(await host.connectForPressure(userId, ...streams))
  await host.connectForPressure('alice', ...streams)
  for (const [i, client] of leaving.entries()) {
    await host.publishUnchecked(...burstOf(100))
    host.expectGone(client)
    await (i % 2 === 0 ? client.destroy() : client.close())
    await host.publishUnchecked(...burstOf(100))
    await host.hasDelivered()
  }
  await host.hasRightCounts()
  await host.delivers()
  await host.settles()
}
