import type { Verdict } from '../../soak/verdict.ts'
import { ClusterRun, type ClusterRunResult, type RoundResult } from './cluster-run.ts'
import type { FaultName } from './faults.ts'
import type { BrokerName } from './messages.ts'
import { tableOf } from './table.ts'

export interface ClusterChaosOptions {
  readonly broker: BrokerName
  readonly rounds: number
  readonly clients: number
  readonly seed: number
  readonly faults: readonly FaultName[]
  readonly isPlain: boolean
}

/** Plays rounds of chaos on a cluster, and judges what they have brought. */
export async function runClusterChaos({ rounds, ...options }: ClusterChaosOptions, verdict: Verdict): Promise<void> {
  const result = await ClusterRun.run({
    ...options,
    isGoingOn: (done) => done < rounds,
    began: () => {},
    ended: (round) => verdict.note(lineOf(round, rounds)),
  })
  conclude(result, rounds, verdict)
}

function lineOf({ round, fault, upAgainMs, calmMs, told, gapsOfSettled }: RoundResult, rounds: number): string {
  return `round ${String(round).padStart(String(rounds).length)} of ${rounds}  ${fault.padEnd(26)} up after ${upAgainMs} ms, complete after ${calmMs} ms, ${told} told as missing, ${gapsOfSettled} gaps of clients that stayed`
}

function conclude(result: ClusterRunResult, rounds: number, verdict: Verdict): void {
  const { counts, commandCount, connects, ends, failures, totals } = result
  const { lost, missing, twice, outOfOrder, leaked, unknown } = counts.faults
  verdict.note('')
  for (const line of tableOf(result.rounds)) verdict.note(line)
  verdict.note('')
  verdict.note(`${counts.published} published, ${counts.received} received by clients, ${counts.told} told as missing`)
  verdict.note(`${totals.received} came to nodes by the broker, ${totals.repaired} were sent again; ${totals.gaps} times a node told of a gap; ${totals.downs} times a node was down`)
  verdict.note(`${connects} connects, each to any node; ${commandCount} revocations and ${commandCount} removals in the middle of faults`)
  verdict.note(`connections ended: ${listed(ends)}`)
  verdict.note(`errors that nodes reported: ${listed(failures)}`)
  verdict.check(`local delivery at once: ${totals.heard} of ${totals.due}`, totals.heard === totals.due)
  verdict.check(`nothing is lost in silence (${lost + missing}), twice (${twice}), out of order (${outOfOrder}), or where it must not be (${leaked + unknown})`, result.faults.length === 0, result.faults)
  verdict.check('no process fails, and no rejection is unhandled', result.unhandled.length === 0, result.unhandled)
  verdict.check(`all rounds were played: ${result.rounds.length} of ${rounds}`, result.rounds.length === rounds)
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ') || 'none'
}
