import type { RoundResult } from './cluster-run.ts'
import type { FaultName } from './faults.ts'

/** Returns one row for each kind of fault. */
export function tableOf(rounds: readonly RoundResult[]): string[] {
  const faults = [...new Set(rounds.map(({ fault }) => fault))].sort()
  const rows = faults.map((fault) => rowOf(fault, rounds.filter((round) => round.fault === fault)))
  const all = [['fault', 'rounds', 'up again after, ms', 'complete after, ms', 'told as missing', 'gaps of clients that stayed'], ...rows]
  const widths = (all[0] as string[]).map((_, column) => Math.max(...all.map((row) => (row[column] as string).length)))
  return all.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number))).join('   '))
}

function rowOf(fault: FaultName, rounds: readonly RoundResult[]): string[] {
  const sumOf = (count: (round: RoundResult) => number): string => String(rounds.reduce((sum, each) => sum + count(each), 0))
  return [fault, String(rounds.length), spanOf(rounds.map(({ upAgainMs }) => upAgainMs)), spanOf(rounds.map(({ calmMs }) => calmMs)), sumOf(({ told }) => told), sumOf(({ gapsOfSettled }) => gapsOfSettled)]
}

/** The middle one of some values, and the largest. */
function spanOf(values: readonly number[]): string {
  const sorted = [...values].sort((one, other) => one - other)
  return `p50 ${sorted[Math.floor((sorted.length - 1) / 2)]}, max ${sorted.at(-1)}`
}
