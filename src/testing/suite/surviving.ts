import { serializeStreamMessage } from '../../model/wire-form.ts'
import { order, orders, price, prices, trade, trades } from './messages.ts'
import type { Trial } from './trial.ts'

/** Texts that could make a server fail. The server must not pass these texts on to other clients. */
const BAD_TEXTS: readonly string[] = [
  '', ' ', '{', 'null', '0', '""', '[]', '[null]', '{}', 'undefined', '\u0000', '\u2028',
  '{"command":null}', '{"command":"subscribe"}', '{"command":"subscribe","streamType":{},"symbol":[]}', '{"command":"__proto__"}',
  '{"type":"subscribe","action":"subscribe","stream":null,"streams":null,"channel":null,"channels":null}',
  '{"__proto__":{"command":"subscribe"},"constructor":{"prototype":null}}',
  '['.repeat(5_000),
  `{"command":"${'x'.repeat(10_000)}"}`,
  'x'.repeat(1_024 * 1_024),
  serializeStreamMessage(trade('BTCUSDT', 'of a client')),
  serializeStreamMessage(order('alice', 'of a client')),
  '{"type":"gap","stream_type":"TRADES","symbol":"BTCUSDT","dropped":1}',
]

/** A text that a client sends never reaches or harms other clients. The server may disconnect the sender. */
export async function survivesBadTexts(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.connect('alice', trades('BTCUSDT'), orders())
  for (const [i, text] of BAD_TEXTS.entries()) {
    const mallory = await host.connectWithoutMarker('mallory')
    await mallory.send(text)
    await mallory.close()
    host.expectGone(mallory)
    await host.hasRightCounts()
    await host.publish(trade('BTCUSDT', i), order('alice', i))
  }
  await host.delivers()
}

/** Bytes that break a protocol: invalid WebSocket frames, an invalid line, the header of an oversized frame, and an invalid HTTP request. */
const BAD_BYTES: readonly Uint8Array[] = [
  new Uint8Array(64).fill(0xff),
  new Uint8Array(64),
  Uint8Array.of(...new Uint8Array(64).fill(0xff), 0x0a),
  Uint8Array.of(0x81, 0xff, 0x7f, ...new Uint8Array(7).fill(0xff), 0, 0, 0, 0, 0),
  Uint8Array.from('GET http://[ HTTP/9.9\r\nHost\r\n\r\n', (letter) => letter.charCodeAt(0)),
]

const BEATS_TO_NOTICE = 2

/**
 * Bytes that a client sends never harm other clients. When the sender has broken its connection, the server removes the connection, at the latest
 * after two intervals of the heartbeat.
 */
export async function survivesBadBytes(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.connect('alice', trades('BTCUSDT'), orders())
  for (const [i, bytes] of BAD_BYTES.entries()) {
    const mallory = await host.connectWithoutMarker('mallory')
    await mallory.sendBytes(bytes)
    await host.publishUnchecked(trade('BTCUSDT', i), order('alice', i))
    await host.hasDelivered()
    await mallory.destroy()
    host.expectGone(mallory)
    for (let beats = 0; beats < BEATS_TO_NOTICE; beats++) await host.beatIfPossible()
    await host.hasRightCounts()
  }
  await host.delivers()
}

const LEAVING_COUNT = 10

/** If a client leaves while the server decides whether to accept it, the manager has no connection or subscription of this client. */
export async function ignoresClientsThatLeft(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.connect('bob', prices('BTCUSDT'))
  for (let i = 0; i < LEAVING_COUNT; i++) await host.connectAndLeave('alice', prices('BTCUSDT'), orders())
  // The server accepts this client after the clients that left. So once this client is connected, the server has handled all of them.
  await host.connect('alice', orders())
  await host.hasRightCounts()
  await host.publish(price('BTCUSDT', 'public'), order('alice', 'private'))
  await host.delivers()
  await host.hasRightCounts()
  await host.settles()
}
