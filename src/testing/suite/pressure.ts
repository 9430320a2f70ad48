import type { Stats } from '../../index.ts'
import type { HostRequest } from '../host.ts'
import { price, prices, trade, trades } from './messages.ts'
import { describe } from './patience.ts'
import type { TrialClient } from './trial-client.ts'
import type { TrialHost } from './trial-host.ts'
import type { Trial } from './trial.ts'

const CHUNK = 'x'.repeat(64 * 1_024)
/** 64 MiB: more than the kernels and runtimes of a server and a client hold between them. */
const MOST_CHUNKS = 1_024
/** What a manager lets wait for a connection, by default. */
const HARD_LIMIT_BYTES = 1_024 * 1_024
/** And one message more: a chunk, with its head. */
const MOST_WAITING_BYTES = HARD_LIMIT_BYTES + CHUNK.length + 1_024
/** A large message puts any client behind for a moment. It is stuck when it stays so while others are served, again and again. */
const ROUNDS_BEHIND = 10

/** A client that stops reading is waited for: afterwards it has every trade, and of the prices the newest. */
export async function holdsBack(trial: Trial): Promise<void> {
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
  await host.countsWhoIsThere()
}

function assertLossless(totals: Stats, receivedCount: number): void {
  const { sent, conflated, dropped, failed, skipped, purged } = totals
  const isLossless = [dropped, failed, skipped, purged].every((count) => count === 0)
  if (conflated > 0 && isLossless && sent === receivedCount) return
  throw new Error(`Expected ${receivedCount} to be sent, and nothing but prices to be passed over; the totals are ${describe(totals)}`)
}

/** Publishes prices until who does not read is behind, and stays so. The others get everything meanwhile. */
async function fallBehind(host: TrialHost): Promise<void> {
  let rounds = 0
  for (let i = 0; i < MOST_CHUNKS; i++) {
    await host.publish(price('BTCUSDT', [i, CHUNK]), trade('ETHUSDT', i))
    await host.delivers()
    rounds = (await host.stats()).connectionsBehind > 0 ? rounds + 1 : 0
    if (rounds === ROUNDS_BEHIND) return
  }
  throw new Error('Expected the client that does not read to be behind after 64 MiB: does it pause, and does the server tell its buffered bytes?')
}

/** A client that too much of a stream waits for, of which nothing may be passed over, is ended; the others get everything. */
export async function endsWhoStaysStuck(trial: Trial): Promise<void> {
  const host = await trial.start()
  const stuck = await host.connectForPressure('alice', trades('BTCUSDT'))
  await host.connect('bob', trades('ETHUSDT'))
  await host.delivers()
  await stuck.pause()

  await floodToItsEnd(host)
  host.forget(stuck)
  await host.countsWhoIsThere()
  await stuck.resume()
  await stuck.seesItsEnd()
  stuck.receivedNothingElse()

  await host.publish(trade('ETHUSDT', 'for who is left'))
  await host.delivers()
  const totals = await host.settles()
  const { mostWaitingBytes } = totals
  if (mostWaitingBytes > HARD_LIMIT_BYTES && mostWaitingBytes <= MOST_WAITING_BYTES) return
  throw new Error(`Expected it to be ended once 1 MiB waited, and by the next message; the totals are ${describe(totals)}`)
}

async function floodToItsEnd(host: TrialHost): Promise<void> {
  for (let i = 0; i < MOST_CHUNKS; i++) {
    // It may be ended at any moment, by the manager or by the host.
    await host.publishInPassing(trade('BTCUSDT', [i, CHUNK]), trade('ETHUSDT', i))
    await host.hasDelivered()
    if ((await host.counts()).connections === 1) return
  }
  throw new Error('Expected the client that does not read to be ended after 64 MiB of trades')
}

const CHUNKS_FOR_WHO_VANISHES = 64

/** Nothing is left of a client that breaks off while much is on its way to it. */
export async function cleansUpAfterWhoIsStuck(trial: Trial): Promise<void> {
  const host = await trial.start()
  const stuck = await host.connectForPressure('alice', prices('BTCUSDT'))
  await host.connect('bob', trades('ETHUSDT'))
  await host.delivers()
  await stuck.pause()
  for (let i = 0; i < CHUNKS_FOR_WHO_VANISHES; i++) {
    await host.publish(price('BTCUSDT', [i, CHUNK]), trade('ETHUSDT', i))
    await host.hasDelivered()
  }
  await stuck.destroy()
  host.forget(stuck)
  await host.countsWhoIsThere()
  await host.settles()
  await host.delivers()
}

/** Nearly as long as a symbol may be, so that an answer which repeats the request is long. */
const LONG_SYMBOL = 'x'.repeat(250)
const REQUESTS_A_ROUND = 256
/** With a symbol in each answer some 60 MiB. Short answers are still more than kernels hold. */
const MOST_ROUNDS = 768
/** If the server still reads the client's requests, it has read some of them after this many rounds. */
const ROUNDS_UNREAD = 50

/**
 * Answers count against the limits, too. If a client keeps asking and does not read, the server ends it, or reads no more of its requests. The
 * others get everything.
 */
export async function letsNoAnswersPileUp(trial: Trial): Promise<void> {
  const host = await trial.start()
  const asking = await host.connectToBeCounted('mallory')
  await host.connect('bob', trades('ETHUSDT'))
  await host.delivers()
  await asking.pause()

  await askToItsEnd(host, asking)
  await asking.destroy()
  host.forget(asking)
  await host.countsWhoIsThere()
  await asking.seesItsEnd()
  await host.publish(trade('ETHUSDT', 'for who is left'))
  await host.delivers()
}

async function askToItsEnd(host: TrialHost, client: TrialClient): Promise<void> {
  let [mostSubscriptions, roundsUnread] = [0, 0]
  for (let i = 0; i < MOST_ROUNDS; i++) {
    await client.ask(...roundOfRequests(i))
    await host.publishInPassing(trade('ETHUSDT', i))
    await host.hasDelivered()
    const { connections, subscriptions } = await host.counts()
    roundsUnread = subscriptions > mostSubscriptions ? 0 : roundsUnread + 1
    mostSubscriptions = Math.max(mostSubscriptions, subscriptions)
    if (connections === 1 || roundsUnread === ROUNDS_UNREAD) return
  }
  throw new Error(`Expected a limit to the answers to a client that does not read; there was none after ${MOST_ROUNDS * REQUESTS_A_ROUND} requests`)
}

/** A round ends with one subscription more than before, which shows whether the server carries it out. */
function roundOfRequests(number: number): HostRequest[] {
  const stream = trades(LONG_SYMBOL + String(number))
  return Array.from({ length: REQUESTS_A_ROUND + 1 }, (_, i) => ({ action: i % 2 === 0 ? 'subscribe' : 'unsubscribe', stream }))
}

const MOST_BEATS = 5

/** The heartbeat removes a client that answers nothing, even if its connection stands. A client that answers stays. */
export async function removesWhoFallsSilent(trial: Trial): Promise<void> {
  const host = await trial.start()
  const silent = await host.connectForPressure('alice', prices('BTCUSDT'))
  await host.connect('bob', trades('ETHUSDT'))
  await host.delivers()
  for (let i = 0; i < MOST_BEATS; i++) await host.beat()
  await host.countsWhoIsThere()
  await silent.freeze()

  await fallBehind(host)
  for (let i = 0; i < MOST_BEATS && (await host.counts()).connections > 1; i++) {
    await host.beat()
    await host.publishInPassing(trade('ETHUSDT', i))
    await host.hasDelivered()
  }
  host.forget(silent)
  await host.countsWhoIsThere()
  await host.delivers()
}
