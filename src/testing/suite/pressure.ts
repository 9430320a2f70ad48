import type { Stats } from '../../index.ts'
import type { HostRequest } from '../host.ts'
import { price, prices, trade, trades } from './messages.ts'
import { describe } from './patience.ts'
import type { TrialClient } from './trial-client.ts'
import type { TrialHost } from './trial-host.ts'
import type { Trial } from './trial.ts'

const CHUNK = 'x'.repeat(64 * 1_024)
/** 64 MiB: more than the kernels and runtimes of a server and a client buffer together. */
const MOST_CHUNKS = 1_024
/** The default `hardLimitBytes` of a manager. */
const HARD_LIMIT_BYTES = 1_024 * 1_024
/** The hard limit plus one message, which is a chunk and its fields. */
const MOST_WAITING_BYTES = HARD_LIMIT_BYTES + CHUNK.length + 1_024
/** After a large message, any client is behind for a moment. A client counts as stuck if it is behind in this many rounds in a row. */
const ROUNDS_BEHIND = 10

/** If a client stops reading and later reads again, it receives every trade, and at least the newest price. */
export async function waitsForStuckClient(trial: Trial): Promise<void> {
  const host = await trial.start()
  const stuck = await host.connectForPressure('alice', prices('BTCUSDT'), trades('BTCUSDT'))
  await host.connect('bob', trades('ETHUSDT'))
  await host.delivers()
  const answerCount = (await host.stats()).sent - host.receivedCount
  await stuck.pause()

  await fallBehind(host)
  for (let i = 0; i < 20; i++) await host.publish(trade('BTCUSDT', i), price('BTCUSDT', i))
  await stuck.resume()
  await host.delivers()

  assertLossless(await host.settles(), answerCount + host.receivedCount)
  await host.hasRightCounts()
}

function assertLossless(totals: Stats, receivedCount: number): void {
  const { sent, conflated, dropped, failed, skipped, purged } = totals
  const isLossless = [dropped, failed, skipped, purged].every((count) => count === 0)
  if (conflated > 0 && isLossless && sent === receivedCount) return
  throw new Error(`Expected ${receivedCount} messages to be sent, and only prices to be conflated; the totals are ${describe(totals)}`)
}

/** Publishes prices until the client that does not read is behind, and stays behind. The other clients receive everything during this time. */
async function fallBehind(host: TrialHost): Promise<void> {
  let rounds = 0
  for (let i = 0; i < MOST_CHUNKS; i++) {
    await host.publish(price('BTCUSDT', [i, CHUNK]), trade('ETHUSDT', i))
    await host.delivers()
    rounds = (await host.stats()).connectionsBehind > 0 ? rounds + 1 : 0
    if (rounds === ROUNDS_BEHIND) return
  }
  throw new Error('Expected the client that does not read to be behind after 64 MiB: check that it pauses, and that the server reports its buffered bytes')
}

/**
 * If too many bytes wait for a client, and its stream must not drop messages, the server disconnects the client. The other clients receive
 * everything.
 */
export async function disconnectsStuckClient(trial: Trial): Promise<void> {
  const host = await trial.start()
  const stuck = await host.connectForPressure('alice', trades('BTCUSDT'))
  await host.connect('bob', trades('ETHUSDT'))
  await host.delivers()
  await stuck.pause()

  await floodUntilDisconnected(host)
  host.expectGone(stuck)
  await host.hasRightCounts()
  await stuck.resume()
  await stuck.seesItsConnectionEnd()
  stuck.receivesNothingElse()

  await host.publish(trade('ETHUSDT', 'for the others'))
  await host.delivers()
  const totals = await host.settles()
  const { mostWaitingBytes } = totals
  if (mostWaitingBytes > HARD_LIMIT_BYTES && mostWaitingBytes <= MOST_WAITING_BYTES) return
  throw new Error(`Expected the first message past 1 MiB to disconnect the stuck client; the totals are ${describe(totals)}`)
}

async function floodUntilDisconnected(host: TrialHost): Promise<void> {
  for (let i = 0; i < MOST_CHUNKS; i++) {
    // The manager or the host may disconnect the client at any moment.
    await host.publishUnchecked(trade('BTCUSDT', [i, CHUNK]), trade('ETHUSDT', i))
    await host.hasDelivered()
    if ((await host.counts()).connections === 1) return
  }
  throw new Error('Expected the client that does not read to be disconnected after 64 MiB of trades')
}

const CHUNKS_BEFORE_VANISHING = 64

/** If the connection of a client that does not read breaks, the manager removes the connection and its waiting messages. */
export async function cleansUpAfterStuckClient(trial: Trial): Promise<void> {
  const host = await trial.start()
  const stuck = await host.connectForPressure('alice', prices('BTCUSDT'))
  await host.connect('bob', trades('ETHUSDT'))
  await host.delivers()
  await stuck.pause()
  for (let i = 0; i < CHUNKS_BEFORE_VANISHING; i++) {
    await host.publish(price('BTCUSDT', [i, CHUNK]), trade('ETHUSDT', i))
    await host.hasDelivered()
  }
  await stuck.destroy()
  host.expectGone(stuck)
  await host.hasRightCounts()
  await host.settles()
  await host.delivers()
}

/** A symbol of nearly the maximum length. An answer that repeats the symbol is therefore long. */
const LONG_SYMBOL = 'x'.repeat(250)
const REQUESTS_A_ROUND = 256
/**
 * If each answer repeats the symbol, the answers of all rounds are about 60 MiB. Even if each answer is short, the answers of all rounds exceed the
 * buffers of the kernels.
 */
const MOST_ROUNDS = 768
/** After this many rounds without a new subscription, the test assumes that the server no longer reads the client's requests. */
const ROUNDS_UNREAD = 50

/**
 * Answers to requests count against the limits of the send queue too. If a client sends requests and does not read the answers, the server
 * disconnects the client, or stops reading its requests. The other clients receive everything.
 */
export async function limitsAnswers(trial: Trial): Promise<void> {
  const host = await trial.start()
  const asking = await host.connectWithoutMarker('mallory')
  await host.connect('bob', trades('ETHUSDT'))
  await host.delivers()
  await asking.pause()

  await askUntilLimited(host, asking)
  await asking.destroy()
  host.expectGone(asking)
  await host.hasRightCounts()
  await asking.seesItsConnectionEnd()
  await host.publish(trade('ETHUSDT', 'for the others'))
  await host.delivers()
}

async function askUntilLimited(host: TrialHost, client: TrialClient): Promise<void> {
  let [mostSubscriptions, roundsUnread] = [0, 0]
  for (let i = 0; i < MOST_ROUNDS; i++) {
    await client.ask(...roundOfRequests(i))
    await host.publishUnchecked(trade('ETHUSDT', i))
    await host.hasDelivered()
    const { connections, subscriptions } = await host.counts()
    roundsUnread = subscriptions > mostSubscriptions ? 0 : roundsUnread + 1
    mostSubscriptions = Math.max(mostSubscriptions, subscriptions)
    if (connections === 1 || roundsUnread === ROUNDS_UNREAD) return
  }
  throw new Error(`Expected a limit for the answers to a client that does not read, but there was none after ${MOST_ROUNDS * REQUESTS_A_ROUND} requests`)
}

/**
 * Returns the requests of a round. After the last request, the client has one more subscription, so the test can see that the server has carried out
 * all of them.
 */
function roundOfRequests(number: number): HostRequest[] {
  const stream = trades(LONG_SYMBOL + String(number))
  return Array.from({ length: REQUESTS_A_ROUND + 1 }, (_, i) => ({ action: i % 2 === 0 ? 'subscribe' : 'unsubscribe', stream }))
}

const MOST_BEATS = 5

/** The heartbeat removes a client that does not answer, even if its connection is open. A client that answers is not removed. */
export async function removesSilentClient(trial: Trial): Promise<void> {
  const host = await trial.start()
  const silent = await host.connectForPressure('alice', prices('BTCUSDT'))
  await host.connect('bob', trades('ETHUSDT'))
  await host.delivers()
  for (let i = 0; i < MOST_BEATS; i++) await host.beat()
  await host.hasRightCounts()
  await silent.freeze()

  await fallBehind(host)
  for (let i = 0; i < MOST_BEATS && (await host.counts()).connections > 1; i++) {
    await host.beat()
    await host.publishUnchecked(trade('ETHUSDT', i))
    await host.hasDelivered()
  }
  host.expectGone(silent)
  await host.hasRightCounts()
  await host.delivers()
}
