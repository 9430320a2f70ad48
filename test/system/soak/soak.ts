// The library on real ws sockets for as long as one likes: clients that come and go, some of them slow, each of which checks all that
// it receives. `npm run soak -- --help`
import { endWithUsage, newSeed, positiveNumber, readCommandLine, textOf, UsageError, wholeNumber, type Values } from '../../support/command-line.ts'
import { ClusterSoak, type ClusterSoakOptions } from './cluster/cluster-soak.ts'
import { INJECTIONS } from './cluster/messages.ts'
import { SoakRun, type SoakOptions } from './soak-run.ts'
import { Verdict } from './verdict.ts'

const USAGE = `Usage: npm run soak -- [options]

  --minutes N    the duration; fractions are allowed       (1)
  --clients C    clients that are connected at a time      (300; of a cluster 15000)
  --churn P      percentage that leaves in a minute        (5)
  --feed FILE    a recorded feed, one message a line       (a random one; not of a cluster)
  --seed S       the seed of all random decisions          (random)

A cluster: nodes in processes of their own, and clients that leave and come back to any node.

  --nodes N      the number of nodes, 2 or more            (no cluster)
  --redis        the broker is Redis: starts the redis-server of this machine on a free port (default)
  --nats         the broker is NATS: starts the nats-server of this machine on a free port
  --rate R       messages that all clients together receive in a second (5000)
  --inject FAULT the first node has a fault, which the run must notice: ${INJECTIONS.join(', ')}

Exit code: 0 if all checks passed, 1 if one failed, 2 on invalid options or without a broker.`

async function soak(options: SoakOptions): Promise<0 | 1> {
  const verdict = new Verdict()
  await new SoakRun(options, verdict).run()
  return verdict.conclude(commandFor(options))
}

async function soakCluster(options: ClusterSoakOptions): Promise<0 | 1> {
  const { nodes, broker, minutes, clients, churn, rate, seed, injection } = options
  const verdict = new Verdict()
  await new ClusterSoak(options, verdict).run()
  const fault = injection === undefined ? '' : ` --inject ${injection}`
  return verdict.conclude(`npm run soak -- --nodes ${nodes} --${broker} --minutes ${minutes} --clients ${clients} --churn ${churn} --rate ${rate}${fault} --seed ${seed}`)
}

function commandFor({ minutes, clients, churn, feed, seed }: SoakOptions): string {
  const source = feed === undefined ? '' : ` --feed ${feed}`
  return `npm --prefix test/system/soak run --silent soak -- --minutes ${minutes} --clients ${clients} --churn ${churn}${source} --seed ${seed}`
}

const [TEXT, FLAG] = [{ type: 'string' }, { type: 'boolean' }] as const
const FLAGS = { minutes: TEXT, clients: TEXT, churn: TEXT, feed: TEXT, seed: TEXT, nodes: TEXT, redis: FLAG, nats: FLAG, rate: TEXT, inject: TEXT } as const
const OF_A_CLUSTER = ['redis', 'nats', 'rate', 'inject'] as const

/** Returns a function that runs the soak which the options are for. */
function runIn(values: Values): () => Promise<0 | 1> {
  if (values['nodes'] !== undefined) {
    const options = clusterOptionsIn(values)
    return () => soakCluster(options)
  }
  const stray = OF_A_CLUSTER.find((name) => values[name] !== undefined)
  if (stray !== undefined) throw new UsageError(`--${stray} needs --nodes`)
  const options = optionsIn(values)
  return () => soak(options)
}

function optionsIn(values: Values): SoakOptions {
  return {
    minutes: positiveNumber(values, 'minutes', 1),
    clients: wholeNumber(values, 'clients', 300, 1),
    churn: positiveNumber(values, 'churn', 5),
    feed: textOf(values, 'feed'),
    seed: wholeNumber(values, 'seed', newSeed()),
  }
}

function clusterOptionsIn(values: Values): ClusterSoakOptions {
  const inject = textOf(values, 'inject')
  const injection = INJECTIONS.find((name) => name === inject)
  if (inject !== injection) throw new UsageError(`--inject must be one of ${INJECTIONS.join(', ')}, got ${inject}`)
  if (values['redis'] === true && values['nats'] === true) throw new UsageError('Only one of --redis and --nats')
  if (values['feed'] !== undefined) throw new UsageError('--feed is not for a cluster')
  return {
    nodes: wholeNumber(values, 'nodes', 2, 2),
    broker: values['nats'] === true ? 'nats' : 'redis',
    minutes: positiveNumber(values, 'minutes', 1),
    clients: wholeNumber(values, 'clients', 15_000, 2),
    churn: positiveNumber(values, 'churn', 5),
    rate: positiveNumber(values, 'rate', 5_000),
    seed: wholeNumber(values, 'seed', newSeed()),
    injection,
  }
}

const run = readCommandLine(USAGE, FLAGS, runIn)
try {
  process.exitCode = await run()
} catch (error) {
  if (error instanceof UsageError) endWithUsage(USAGE, error)
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') process.exit(2)
  throw error
}
