import type { PublishResult, Stats } from '../../../src/index.ts'
import type { Ledger } from './ledger.ts'
import { definitionOf, hasSendQueue, mayWait, type Delivery, type Receipt } from './deliveries.ts'
import type { ConnectionFact, Facts } from './facts.ts'
import type { Inboxes } from './inboxes.ts'
import { frameBytes } from './pressures.ts'
import type { Setting } from './setting.ts'

const RESULTS = ['sent', 'queued', 'conflated', 'dropped', 'failed', 'skipped'] as const
const OUTCOMES = ['sent', 'conflated', 'dropped', 'failed', 'skipped', 'purged', 'waiting'] as const
type Result = (typeof RESULTS)[number]
type Outcome = (typeof OUTCOMES)[number]

/** What only ever becomes more. */
const COUNTERS = [
  'matched', 'sent', 'conflated', 'dropped', 'failed', 'skipped', 'purged', 'rejected', 'gapNotices', 'deferred', 'mostWaitingBytes',
] as const satisfies (keyof Stats)[]

/** The numbers that a count may be. */
type Range = readonly [least: number, most: number]

/**
 * What results and totals may say: of each delivery it is known as what it can count, and of most it is one thing.
 */
export class Accounts {
  /** Results that said `deferred`. */
  deferred = 0
  readonly #ledger: Ledger
  readonly #facts: Facts
  readonly #inboxes: Inboxes
  #last: Stats | undefined
  readonly #setting: Setting
  readonly #monotonic: () => number
  readonly #complain: (complaint: string) => void

  constructor(ledger: Ledger, facts: Facts, inboxes: Inboxes, setting: Setting, monotonic: () => number, complain: (complaint: string) => void) {
    this.#monotonic = monotonic
    this.#ledger = ledger
    this.#inboxes = inboxes
    this.#facts = facts
    this.#setting = setting
    this.#complain = complain
  }

  /** Checks the result of a message that was delivered at once. */
  checkResult(delivery: Delivery, result: PublishResult): void {
    const receipts = [...delivery.receipts.values()]
    const { matched, sent, queued, conflated, dropped, failed, skipped } = result
    const sum = sent + queued + conflated + dropped + failed + skipped
    if (matched !== sum) this.#complain(`The counts of message ${delivery.number} do not add up: ${JSON.stringify(result)}`)
    if (matched !== receipts.length) this.#complain(`Message ${delivery.number} had ${receipts.length} recipients, and matched ${matched}`)
    const where = `The result of message ${delivery.number}`
    for (const each of RESULTS) this.#checkCount(where, result[each], rangeOf(receipts.map(resultOf), each), each, result)
  }

  /** Checks the totals, when nothing is under way. */
  checkTotals(stats: Stats): void {
    const deliveries = this.#ledger.deliveries
    const receipts = deliveries.flatMap((each) => [...each.receipts.values()])
    const matched = deliveries.map((each) => this.#ledger.matched(each))
    this.checkAtAnyMoment(stats)
    this.#checkCount('stats()', stats.matched, [total(matched, 0), total(matched, 1)], 'matched', stats)
    this.#checkCount('stats()', stats.deferred, [this.deferred, this.deferred], 'deferred', stats)
    const rejected = receipts.filter(({ wasRejected }) => wasRejected).length
    this.#checkCount('stats()', stats.rejected, [rejected, rejected], 'rejected', stats)
    this.#checkCount('stats()', stats.gapNotices, [this.#inboxes.notices, this.#inboxes.notices], 'gapNotices', stats)
    const outcomes = receipts.map((each) => outcomesOf(each, this.#setting))
    for (const outcome of OUTCOMES) this.#checkCount('stats()', stats[outcome], rangeOf(outcomes, outcome), outcome, stats)
    this.#checkBounds(stats)
  }

  /** They add up at any moment, in the middle of a delivery as well, and no counter falls. */
  checkAtAnyMoment(stats: Stats): void {
    const sum = OUTCOMES.reduce((total, outcome) => total + stats[outcome], 0)
    if (stats.matched !== sum) this.#complain(`The totals do not add up: ${JSON.stringify(stats)}`)
    for (const name of COUNTERS) {
      const before = this.#last?.[name] ?? 0
      if (stats[name] < before) this.#complain(`${name} fell from ${before} to ${stats[name]}`)
    }
    const { waiting, waitingBytes, connectionsBehind, mostWaitingBytes } = stats
    if (Math.min(waiting, waitingBytes, connectionsBehind) < 0 || waitingBytes > (waiting === 0 ? 0 : waiting * mostWaitingBytes))
      this.#complain(`What waits makes no sense: ${JSON.stringify(stats)}`)
    this.#last = stats
  }

  /** What handles say of how far behind their connections are, where it is not what the events and the messages say. */
  differencesOfBehind(behind: ReadonlyMap<ConnectionFact, number>): string[] {
    return this.#facts.connections.flatMap((connection) => {
      const { handle, isLive, socket } = connection
      if (handle === undefined) return []
      const { waitingBytes, behindForMs } = handle
      const sinceMs = isLive ? behind.get(connection) : undefined
      const expectedMs = sinceMs === undefined ? 0 : this.#monotonic() - sinceMs
      const [, most] = sinceMs === undefined ? [0, 0] : this.#ledger.unitsOpenFor(connection)
      return [
        ...(behindForMs === expectedMs ? [] : [`${socket.name} has been behind for ${behindForMs} ms, expected ${expectedMs}`]),
        ...(waitingBytes >= 0 && waitingBytes <= most ? [] : [`${waitingBytes} bytes wait for ${socket.name}, expected 0 to ${most}`]),
      ]
    })
  }

  /** So many are behind, by the events. */
  checkBehind(stats: Stats, behind: ReadonlyMap<ConnectionFact, number>): void {
    const count = this.#facts.live.filter((each) => behind.has(each)).length
    if (stats.connectionsBehind !== count) this.#complain(`${stats.connectionsBehind} connections are behind, expected ${count} by the events`)
    const waitingBytes = this.#facts.live.reduce((sum, { handle }) => sum + (handle?.waitingBytes ?? 0), 0)
    if (waitingBytes > stats.waitingBytes) this.#complain(`${waitingBytes} bytes wait for the connections, and ${stats.waitingBytes} for all`)
  }

  #checkBounds(stats: Stats): void {
    const { hardLimitBytes } = this.#setting
    const { connectionsBehind, waiting, waitingBytes, mostWaitingBytes } = stats
    const behind = this.#facts.live.filter(mayWait)
    const longest = this.#ledger.deliveries.reduce((units, { text }) => Math.max(units, frameBytes(text)), 0)
    // A batch is written when it is beyond the limit, and what waits is relieved: one message more than may is there until then.
    const most = hardLimitBytes + longest
    const open = this.#facts.live.filter(hasSendQueue).map((each) => this.#ledger.unitsOpenFor(each))
    const says = JSON.stringify(stats)
    if (connectionsBehind > behind.length) this.#complain(`${connectionsBehind} are behind, of ${behind.length} that can be: ${says}`)
    if (waiting > 0 !== waitingBytes > 0) this.#complain(`What waits is not what is counted: ${says}`)
    this.#checkCount('stats()', waitingBytes, [total(open, 0), open.reduce((sum, [, units]) => sum + Math.min(units, most), 0)], 'waitingBytes', stats)
    if (mostWaitingBytes > most) this.#complain(`More waited for one connection than may: ${says}`)
  }

  #checkCount(where: string, count: number, [least, most]: Range, what: string, all: object): void {
    if (count >= least && count <= most) return
    const expected = least === most ? least : `${least} to ${most}`
    this.#complain(`${where}: ${what} is ${count}, expected ${expected}: ${JSON.stringify(all)}`)
  }
}

function total(ranges: readonly Range[], at: 0 | 1): number {
  return ranges.reduce((sum, range) => sum + range[at], 0)
}

function rangeOf<TWhat extends string>(all: readonly (readonly TWhat[])[], outcome: TWhat): Range {
  const possible = all.filter((each) => each.includes(outcome))
  return [possible.filter((each) => each.length === 1).length, possible.length]
}

/** As what a delivery may count in the totals. */
function outcomesOf(receipt: Receipt, setting: Setting): readonly (Outcome | 'nothing')[] {
  const outcomes = certainOutcomesOf(receipt, setting)
  return receipt.isCertain ? outcomes : [...outcomes, 'nothing']
}

function certainOutcomesOf(
  { connection, delivery, state, wasDoubtful, passes }: Receipt,
  { hardLimitBytes }: Setting,
): readonly Outcome[] {
  const { delivery: kept, overflow } = definitionOf(delivery)
  const given: readonly Outcome[] = [
    ...(kept === 'latest' ? ['conflated' as const] : []),
    ...(overflow === 'drop' ? ['dropped' as const] : []),
  ]
  const kindOfLoss: readonly Outcome[] = hasSendQueue(connection) ? ['skipped', 'purged'] : ['skipped']
  const whileBehind = mayWait(connection) && !passes ? given : []
  switch (state) {
    case 'accepted':
    case 'handed':
      return ['sent']
    case 'failed':
      return ['failed']
    case 'superseded':
      return wasDoubtful ? [...given, ...kindOfLoss] : given
    case 'unframed':
      return ['failed', 'skipped']
    case 'awaited':
      return ['waiting', ...whileBehind]
    case 'doubtful':
      return ['waiting', ...kindOfLoss, ...whileBehind]
    case 'leaving':
    case 'lost':
      return [
        ...kindOfLoss,
        ...whileBehind,
        ...(mayHaveFailed(connection, delivery) || (mayWait(connection) && hardLimitBytes < Infinity) ? ['failed' as const] : []),
      ]
  }
}

/** As what a delivery may count in the result of its message: of one that may wait, or not, nothing is known. */
function resultOf({ connection, delivery, state, wasDoubtful, hasWaited, passes }: Receipt): readonly Result[] {
  if (hasWaited) return ['queued', 'conflated', 'dropped', 'failed', 'skipped']
  if (mayWait(connection) && !passes) return ['sent', 'queued', 'conflated', 'dropped', 'failed', 'skipped']
  switch (state) {
    case 'accepted':
      return ['sent']
    case 'failed':
      return hasSendQueue(connection) ? ['sent', 'failed'] : ['failed']
    case 'unframed':
      return ['failed', 'skipped']
    case 'lost':
    case 'leaving':
      return hasSendQueue(connection) ? ['sent', 'skipped', ...(mayHaveFailed(connection, delivery) ? ['failed' as const] : [])] : ['skipped']
    default:
      return wasDoubtful ? ['sent', 'skipped'] : ['sent']
  }
}

/** Whether what was lost may count as failed instead: the connection ended for that, or no frame was there for it. */
function mayHaveFailed(connection: ConnectionFact, { hasNoFrame }: Delivery): boolean {
  return connection.hasFailed || connection.reasons.includes('slow-consumer') || (hasNoFrame && connection.socket.kind === 'framed')
}
