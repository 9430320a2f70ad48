// The client, the protocol, the recovery and the cluster on real ws while networks, servers and brokers fail. `npm run chaos -- --help`
import { newSeed, positiveNumber, readCommandLine, textOf, UsageError, wholeNumber, type Values } from '../../support/command-line.ts'
import { Verdict } from '../soak/verdict.ts'
import { BUGS } from './bugs.ts'
import { ChaosRun, type ChaosOptions } from './chaos-run.ts'
import { runClusterChaos, type ClusterChaosOptions } from './cluster/cluster-chaos.ts'
import { FAULT_NAMES, type FaultName } from './cluster/faults.ts'
import { BROKERS, type BrokerName } from './cluster/messages.ts'

const USAGE = `Usage: npm run chaos -- [options]

  --clients C           clients, in two processes                        (200; of a cluster 40)
  --seed S              the seed of all decisions                        (random)

One server, whose network and process fail:
  --seconds N           how long the disturbances go on                  (60)
  --without-recovery    the server keeps no history: each reconnect has to be told as a gap
  --inject BUG          builds a bug into the client, which has to be noticed:
                        ${Object.keys(BUGS).join(', ')}

Three nodes and a broker, one of which fails in each round:
  --redis --ioredis --nats --memory   which one: Redis by node-redis or by ioredis, NATS, or a bus in memory
  --rounds N            how many rounds                                  (30)
  --only FAULT          only faults with these words in their name. May be repeated:
                        ${FAULT_NAMES.join('; ')}
  --inject plain-relay  nodes that relay messages without a cluster, which has to be noticed

Each kind of disturbance of a server comes once at least, however short the run is. In a cluster, one does if there are as many rounds.
Exit code: 0 if all checks passed, 1 if one failed, 2 on invalid options.`

/** A run that hangs ends as a failure. */
const GRACE_MS = 240_000
const MOST_ROUND_MS = 60_000

/** One run, and the command for it. */
interface Plan {
  readonly command: string
  readonly limitMs: number
  run(verdict: Verdict): Promise<void>
}

function planIn(values: Values, only: readonly string[]): Plan {
  const brokers = BROKERS.filter((name) => values[name] === true)
  if (brokers.length > 1) throw new UsageError(`Only one of ${brokers.map((name) => `--${name}`).join(', ')}`)
  const [broker] = brokers
  refuse(values, broker === undefined ? ['rounds', 'only'] : ['seconds', 'without-recovery'], broker === undefined ? 'without a broker' : `with --${broker}`)
  return broker === undefined ? serverPlan(serverOptionsIn(values)) : clusterPlan(clusterOptionsIn(values, broker, only))
}

function refuse(values: Values, names: readonly string[], where: string): void {
  for (const name of names) if (values[name] !== undefined) throw new UsageError(`--${name} means nothing ${where}`)
}

function serverOptionsIn(values: Values): ChaosOptions {
  const bug = textOf(values, 'inject')
  if (bug !== undefined && !Object.hasOwn(BUGS, bug)) throw new UsageError(`--inject must be one of ${Object.keys(BUGS).join(', ')}, got ${bug}`)
  return {
    clients: wholeNumber(values, 'clients', 200, 12),
    seconds: positiveNumber(values, 'seconds', 60),
    seed: wholeNumber(values, 'seed', newSeed()),
    hasRecovery: values['without-recovery'] !== true,
    bug,
  }
}

function serverPlan(options: ChaosOptions): Plan {
  const { clients, seconds, seed, hasRecovery, bug } = options
  const flags = [hasRecovery ? '' : ' --without-recovery', bug === undefined ? '' : ` --inject ${bug}`].join('')
  return {
    command: `npm run chaos -- --clients ${clients} --seconds ${seconds}${flags} --seed ${seed}`,
    limitMs: seconds * 1_000 + GRACE_MS,
    run: (verdict) => ChaosRun.run(options, verdict),
  }
}

function clusterOptionsIn(values: Values, broker: BrokerName, only: readonly string[]): ClusterChaosOptions {
  const injected = textOf(values, 'inject')
  if (injected !== undefined && injected !== 'plain-relay') throw new UsageError(`--inject must be plain-relay in a cluster, got ${injected}`)
  return {
    broker,
    rounds: wholeNumber(values, 'rounds', 30, 1),
    clients: wholeNumber(values, 'clients', 40, 4),
    seed: wholeNumber(values, 'seed', newSeed()),
    faults: faultsIn(only, broker),
    isPlain: injected !== undefined,
  }
}

/** A bus in memory cuts nobody. */
function faultsIn(only: readonly string[], broker: BrokerName): FaultName[] {
  const known = FAULT_NAMES.filter((name) => broker !== 'memory' || name !== 'a node is too slow')
  const chosen = only.length === 0 ? known : known.filter((name) => only.some((words) => name.includes(words)))
  if (chosen.length === 0) throw new UsageError(`--only must be in one of ${known.join('; ')}, got ${only.join(' and ')}`)
  return chosen
}

function clusterPlan(options: ClusterChaosOptions): Plan {
  const { broker, rounds, clients, seed, faults, isPlain } = options
  const only = faults.length < FAULT_NAMES.length - 1 ? faults.map((name) => ` --only '${name}'`).join('') : ''
  return {
    command: `npm run chaos -- --${broker} --rounds ${rounds} --clients ${clients}${only}${isPlain ? ' --inject plain-relay' : ''} --seed ${seed}`,
    limitMs: rounds * MOST_ROUND_MS + GRACE_MS,
    run: (verdict) => runClusterChaos(options, verdict),
  }
}

const TEXT = { type: 'string' } as const
const FLAG = { type: 'boolean' } as const
const FLAGS = {
  'clients': TEXT, 'seconds': TEXT, 'seed': TEXT, 'inject': TEXT, 'rounds': TEXT, 'only': { ...TEXT, multiple: true }, 'without-recovery': FLAG,
  ...Object.fromEntries(BROKERS.map((name) => [name, FLAG])),
} as const

const plan = readCommandLine(USAGE, FLAGS, (values) => planIn(values, (values['only'] ?? []) as unknown as string[]))
const verdict = new Verdict()
verdict.note(`chaos: ${plan.command}\n`)
setTimeout(() => {
  console.error('The run hangs.')
  process.exit(1)
}, plan.limitMs).unref()
await plan.run(verdict)
process.exit(verdict.conclude(plan.command))
