import type { FoundFault } from './campaign.ts'
import type { Tally } from './tally.ts'

/** The summary of a run without a fault. */
export function summary(tally: Tally, seed: number): string {
  const { sequences, operations, publishes, deliveries } = tally
  return [
    listed('accepted', tally.accepted),
    listed('refused', tally.refused),
    listed('scripted behaviour', tally.behaviours),
    listed('called from within', tally.nested),
    `${sequences} sequences, ${operations} operations, ${publishes} publishes, ${deliveries} deliveries, no fault; seed ${seed}`,
  ].join('\n')
}

/** The report of a fault, with the options that reproduce it. */
export function faultReport({ plan, fault, seed, path, runs, shrinks }: FoundFault): string {
  return [
    `FAULT in sequence ${runs}, shrunk ${shrinks} times:`,
    ...fault.complaints.map((complaint) => `  ✗ ${complaint}`),
    '',
    'Steps:',
    ...fault.lines.map((line) => `  ${line}`),
    '',
    'Operations:',
    ...[...plan.arrivals, ...plan.operations].map((operation) => `  ${JSON.stringify(operation)},`),
    '',
    'Setting:',
    `  ${JSON.stringify(plan.setting, (_key, value: unknown) => (value === Infinity ? 'Infinity' : value))}`,
    '',
    `Reproduce: --runs ${runs} --seed ${seed} --path ${path}`,
  ].join('\n')
}

function listed(what: string, counts: readonly (readonly [string, number])[]): string {
  return `${what}: ${counts.map(([name, times]) => `${name} ${times}`).join(', ')}`
}
