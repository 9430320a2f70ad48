import { endProgress, readCommandLine, showProgress, wholeNumber } from '../../support/command-line.ts'
import { Faults } from './faults.ts'
import { grouped } from './fuzzing/tally.ts'
import { PUBLISHES_PER_ROUND, Round } from './privacy/round.ts'

const USAGE = `Usage: npm run privacy -- [options]

  --publishes N   private and public messages (10 000 000)
  --users U       users, each with 0 to 5 connections (1 000)
  --seed S        the seed of the first ${grouped(PUBLISHES_PER_ROUND)} publishes, which share a manager (1)
  --quick         200 000 publishes
  --help`

const settings = readCommandLine(
  USAGE,
  { publishes: { type: 'string' }, users: { type: 'string' }, seed: { type: 'string' }, quick: { type: 'boolean' } },
  (values) => ({
    publishes: wholeNumber(values, 'publishes', values['quick'] === true ? 200_000 : 10_000_000, 1),
    users: wholeNumber(values, 'users', 1_000, 1),
    seed: wholeNumber(values, 'seed', 1),
  }),
)

const faults = new Faults()
const totals = new Map<string, number>()
let current: Round | undefined
// An early exit counts as a failure.
process.exitCode = 1
process.on('unhandledRejection', (reason) => current?.complain('A rejection that nobody caught', String(reason)))
process.on('uncaughtException', (error) => current?.complain('An exception that nobody caught', String(error.stack)))

async function play(seed: number, publishes: number): Promise<void> {
  const round = new Round(seed, settings.users)
  current = round
  await round.play(publishes)
  note(round)
  const { complaint } = round
  if (complaint === undefined) return
  const again = `npm run privacy -- --seed ${seed} --publishes ${complaint.publishes}${settings.users === 1_000 ? '' : ` --users ${settings.users}`}`
  faults.add({ ...complaint, again })
}

function note({ happenings, model: { accounts }, manager }: Round): void {
  for (const [name, count] of Object.entries({ ...happenings, ...accounts, purged: manager.stats().purged, skipped: manager.stats().skipped })) {
    const total = totals.get(name) ?? 0
    totals.set(name, name.startsWith('most') ? Math.max(total, count) : total + count)
  }
}

function listed(...names: readonly string[]): string {
  return names.map((name) => `${name} ${grouped(totals.get(name) ?? 0)}`).join(', ')
}

const startedAt = performance.now()
for (let done = 0; done < settings.publishes && !faults.areEnough; done += PUBLISHES_PER_ROUND) {
  await play(settings.seed + done / PUBLISHES_PER_ROUND, Math.min(PUBLISHES_PER_ROUND, settings.publishes - done))
  showProgress(`${grouped(done)} publishes, ${faults.count} faults`)
}
endProgress()
const seconds = (performance.now() - startedAt) / 1_000
console.log(`churn: ${listed('connects', 'removals', 'reassignments', 'subscribes', 'unsubscribes', 'revocations', 'revoked', 'refusals')}`)
console.log(`nested in a send, a write or a toJSON: ${listed('nested', 'deferred')}; texts to one connection: ${listed('texts')}`)
console.log(`besides: ${listed('exceptions', 'skips', 'notices', 'told', 'purges', 'batches')}`)
console.log(`state: users ${grouped(settings.users)}, ${listed('mostConnections', 'mostBehind')}`)
console.log(`deliveries: ${listed('matched', 'arrived', 'conflated', 'withdrawn', 'dropped', 'rejected')}`)
console.log(`counted by the manager: ${listed('purged', 'skipped')}`)
console.log(
  `seed ${settings.seed}: ${listed('publishes', 'privatePublishes')}; deliveries ${grouped(totals.get('arrived') ?? 0)}, ${listed('privateDeliveries')}; ` +
    `${listed('revocations', 'purged')}; leaks ${faults.leaks}; ${seconds.toFixed(1)} s, ${grouped((totals.get('publishes') ?? 0) / seconds)} publishes/s`,
)
console.log(faults.count === 0 ? 'ok' : faults.lines.join('\n'))
process.exit(faults.count === 0 ? 0 : 1)
