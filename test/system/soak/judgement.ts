import type { AuditReport } from './auditor.ts'
import { FAULT_KINDS } from './fault-log.ts'
import { HARD_LIMIT_BYTES, type Host } from './host.ts'
import { mostInFlightBytes } from './in-flight.ts'
import { inMiB, slopePerMinute, type MemorySample } from './memory.ts'
import { remainsOf } from './remains.ts'
import type { SlowCounts } from './slow-clients.ts'
import type { Verdict } from './verdict.ts'

/** What a run has brought. */
export interface Outcome {
  readonly host: Host
  readonly report: AuditReport
  readonly slowCounts: SlowCounts
  /** How many clients left because they wanted to. */
  readonly left: number
  /** Timers that were pending when there was nobody any more. */
  readonly timersLeft: number
  /** Sockets and handles that could not be collected. */
  readonly uncollected: readonly string[]
  readonly before: MemorySample
  readonly samples: readonly MemorySample[]
  readonly after: MemorySample
}

/**
 * What compiled code and inline caches of a long run may hold beside those of a warm-up. Generous: what leaks is found by
 * collecting each socket, and not by weighing the heap.
 */
const HEAP_BOUND_BYTES = 8 * 1024 * 1024

const NAMES_OF_FAULTS: Readonly<Record<(typeof FAULT_KINDS)[number], string>> = {
  loss: 'losses',
  duplicate: 'duplicates',
  reordering: 'reorderings',
  leak: 'private messages of somebody else',
  uncalled: 'messages of what was not subscribed to',
  alien: 'texts that nobody sent, or that say otherwise than was published',
  ending: 'connections that ended by themselves, or did not end',
}

/** Prints what a run has brought, and checks all of it. */
export function judge(verdict: Verdict, outcome: Outcome): void {
  describe(verdict, outcome)
  judgeFaults(verdict, outcome)
  judgeSums(verdict, outcome)
  judgeRemains(verdict, outcome)
}

function describe(verdict: Verdict, { host, report, slowCounts, left, before, samples, after }: Outcome): void {
  const { totals, connections, tails, longestTail, longestTailUnits } = report
  const { sent, conflated, dropped, failed, skipped, purged, mostWaitingBytes } = host.manager.stats()
  const endings = Array.from(host.endings, (ending) => ending.join(' ')).join(', ')
  const notSent = [
    `${conflated} conflated`,
    `${dropped} dropped (${totals.told} told by ${totals.notices} notices)`,
    ...[`${failed} failed`, `${skipped} skipped`, `${purged} purged`],
  ]
  const inTails = `${totals.tail} in ${tails} abrupt ends, the longest ${longestTail} (${inMiB(longestTailUnits)})`
  const slow = Object.entries(slowCounts).map(([kind, count]) => `${kind} ${count}`).join(', ')
  verdict.note(`
deliveries      ${sent} sent by stats(), ${totals.handed} accepted by sockets, ${totals.received} received
tails           ${inTails}; ${totals.toClosing} to closing sockets
not sent        ${notSent.join(', ')}
connections     ${connections}, ${left} left of themselves; ended: ${endings}
slow clients    ${slow}; the most that waited for one ${mostWaitingBytes} units
heap            ${inMiB(before.heapBytes)} after the warm-up, ${inMiB(after.heapBytes)} at the end
slope           heap ${inMiB(slopePerMinute(samples, 'heapBytes'))}, RSS ${inMiB(slopePerMinute(samples, 'rssBytes'))} a minute over the second half
`)
}

function judgeFaults(verdict: Verdict, { report: { faults, examples } }: Outcome): void {
  for (const kind of FAULT_KINDS) {
    verdict.check(`${NAMES_OF_FAULTS[kind]}: ${faults[kind]}`, faults[kind] === 0, examples.filter((each) => each.startsWith(kind)))
  }
}

function judgeSums(verdict: Verdict, { host, report, left }: Outcome): void {
  const { totals, longestTailUnits } = report
  const { sent, dropped, purged, failed, skipped, mostWaitingBytes } = host.manager.stats()
  const received = totals.received + totals.tail + totals.toClosing
  verdict.check('what clients received, with the tails, is what stats() says was sent', received === sent && totals.handed === sent, [
    `${totals.received} + ${totals.tail} + ${totals.toClosing} = ${received}, sockets accepted ${totals.handed}, stats() says ${sent}`,
  ])
  verdict.check('no tail is longer than what can be on its way', longestTailUnits <= mostInFlightBytes())
  verdict.check('gap events tell what gap notices told', host.missing === totals.told, [`${host.missing} by events, ${totals.told} by notices`])
  const explained = purged + failed + skipped + dropped - totals.told
  verdict.check('what was discarded at an end is what stats() says of it', totals.discarded <= explained, [
    `${totals.discarded} messages were neither sent nor told of, stats() explains ${explained}`,
  ])
  verdict.check('the server saw nothing that contradicts stats(), or its results', host.complaints.length === 0, host.complaints)
  const mostBytes = HARD_LIMIT_BYTES + host.largestUnits
  verdict.check('never more waited for a connection than the hard limit and one message', mostWaitingBytes <= mostBytes, [
    `${mostWaitingBytes} units, ${mostBytes} may`,
  ])
  verdict.check('there was something to see', totals.received > 0 && left > 0)
}

function judgeRemains(verdict: Verdict, { host, timersLeft, uncollected, before, after }: Outcome): void {
  const left = remainsOf(host.manager)
  verdict.check('nothing is left: mappings, counts, outboxes, active streams', left.length === 0, left)
  verdict.check('no timer was left when everybody had gone', timersLeft === 0, [`${timersLeft} timers`])
  verdict.check('all sockets and handles were collected while the manager lived', uncollected.length === 0, uncollected)
  const grownBytes = after.heapBytes - before.heapBytes
  verdict.check(`the heap is back to what it was after the warm-up, within ${inMiB(HEAP_BOUND_BYTES)}`, grownBytes <= HEAP_BOUND_BYTES, [
    `it has grown by ${inMiB(grownBytes)}`,
  ])
}
