import type { FoundFault } from './campaign.ts'
import type { Tally } from './tally.ts'

/** What a run that found nothing did. */
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

/** A fault, and how to have it again. */
export function faultReport({ plan, fault, seed, path, runs, shrinks }: FoundFault): string {
  return [
    `FAULT, shown by sequence ${runs} and made smaller ${shrinks} times:`,
    ...fault.complaints.map((complaint) => `  ✗ ${complaint}`),
    '',
    'What it did:',
    ...fault.lines.map((line) => `  ${line}`),
    '',
    'As operations:',
    ...[...plan.arrivals, ...plan.operations].map((operation) => `  ${JSON.stringify(operation)},`),
    '',
    'With the setting:',
    `  ${JSON.stringify(plan.setting, (_key, value: unknown) => (value === Infinity ? 'Infinity' : value))}`,
    '',
    `Again: --runs ${runs} --seed ${seed} --path ${path}`,
  ].join('\n')
}

function listed(what: string, counts: readonly (readonly [string, number])[]): string {
  return `${what}: ${counts.map(([name, times]) => `${name} ${times}`).join(', ')}`
}
