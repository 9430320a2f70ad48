import type { AuditReport } from './auditor.ts'
import { FAULT_KINDS } from './fault-log.ts'
import { HARD_LIMIT_BYTES, type Host } from './host.ts'
import { mostInFlightBytes } from './in-flight.ts'
import { inMiB, slopePerMinute, type MemorySample } from './memory.ts'
import { remainsOf } from './remains.ts'
import type { SlowCounts } from './slow-clients.ts'
import type { Verdict } from './verdict.ts'

/** The results of a run. */
export interface Outcome {
  readonly host: Host
  readonly report: AuditReport
  readonly slowCounts: SlowCounts
  /** The number of clients that left by choice. */
  readonly left: number
  /** Timers that were pending after everybody had left. */
  readonly timersLeft: number
  /** Sockets and handles that could not be collected. */
  readonly uncollected: readonly string[]
  readonly before: MemorySample
  readonly samples: readonly MemorySample[]
  readonly after: MemorySample
}

/**
 * The growth of the heap after the warm-up that compiled code and inline caches may cause. It is generous, because leaks
 * are found by checking that each socket is collected.
 */
const HEAP_BOUND_BYTES = 8 * 1024 * 1024

const NAMES_OF_FAULTS: Readonly<Record<(typeof FAULT_KINDS)[number], string>> = {
  loss: 'losses',
  duplicate: 'duplicates',
  reordering: 'reorderings',
  leak: 'private messages of another user',
  uncalled: 'messages without a subscription',
  alien: 'texts that were not published, or not with this content',
  ending: 'connections that ended unexpectedly, or did not end',
}

/** Prints and checks the results of a run. */
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
    `${dropped} dropped (${totals.reported} reported by ${totals.notices} gap notices)`,
    ...[`${failed} failed`, `${skipped} skipped`, `${purged} purged`],
  ]
  const inTails = `${totals.tail} in ${tails} abrupt ends, the longest ${longestTail} (${inMiB(longestTailUnits)})`
  const slow = Object.entries(slowCounts).map(([kind, count]) => `${kind} ${count}`).join(', ')
  verdict.note(`
deliveries      ${sent} sent by stats(), ${totals.handed} accepted by sockets, ${totals.received} received
tails           ${inTails}; ${totals.toClosing} to closing sockets
not sent        ${notSent.join(', ')}
connections     ${connections}, ${left} left by choice; ended: ${endings}
slow clients    ${slow}; most waiting for one connection ${mostWaitingBytes} units
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
  verdict.check('clients received what stats() counts as sent, including the tails', received === sent && totals.handed === sent, [
    `${totals.received} + ${totals.tail} + ${totals.toClosing} = ${received}, sockets accepted ${totals.handed}, stats() counts ${sent}`,
  ])
  verdict.check('no tail is longer than the data that can be in flight', longestTailUnits <= mostInFlightBytes())
  verdict.check('gap events and gap notices report the same counts', host.missing === totals.reported, [`${host.missing} by events, ${totals.reported} by notices`])
  const explained = purged + failed + skipped + dropped - totals.reported
  verdict.check('stats() accounts for the messages discarded at the end of a connection', totals.discarded <= explained, [
    `${totals.discarded} messages were neither sent nor reported, stats() accounts for ${explained}`,
  ])
  verdict.check('stats() and the results of calls never contradicted the server', host.complaints.length === 0, host.complaints)
  const mostBytes = HARD_LIMIT_BYTES + host.largestUnits
  verdict.check('no connection had more waiting than the hard limit and one message', mostWaitingBytes <= mostBytes, [
    `${mostWaitingBytes} units, allowed ${mostBytes}`,
  ])
  verdict.check('clients received messages, and some left', totals.received > 0 && left > 0)
}

function judgeRemains(verdict: Verdict, { host, timersLeft, uncollected, before, after }: Outcome): void {
  const left = remainsOf(host.manager)
  verdict.check('nothing is left: mappings, counts, send queues, active streams', left.length === 0, left)
  verdict.check('no timer is left', timersLeft === 0, [`${timersLeft} timers`])
  verdict.check('all sockets and handles were collected before the manager', uncollected.length === 0, uncollected)
  const grownBytes = after.heapBytes - before.heapBytes
  verdict.check(`the heap is at its size after the warm-up, within ${inMiB(HEAP_BOUND_BYTES)}`, grownBytes <= HEAP_BOUND_BYTES, [
    `it has grown by ${inMiB(grownBytes)}`,
  ])
}
