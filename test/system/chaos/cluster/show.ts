// A cluster whose broker is killed again and again, for somebody who wants to see it. `npm run cluster -- --help`
import { newSeed, positiveNumber, readCommandLine, textOf, UsageError, wholeNumber, type Values } from '../../../support/command-line.ts'
import { ClusterRun, type ClusterRunResult, type RoundResult } from './cluster-run.ts'
import type { BrokerName } from './messages.ts'

const USAGE = `Usage: npm run cluster -- [options]

Three processes serve the same streams to clients that come to any of them. A broker carries messages between them, and is killed
again and again.

  --redis               the broker is Redis: starts the redis-server of this machine on a free port
  --nats                the broker is NATS: starts the nats-server of this machine on a free port
                        (otherwise: a bus in memory, which is cut)
  --seconds N           how long it goes on                              (30)
  --clients C           clients                                          (40)
  --inject plain-relay  the processes relay messages without a cluster: what is lost then
  --seed S              the seed of all decisions                        (random)

Exit code: 0 if nothing was lost in silence, 1 if something was, 2 on invalid options or without a broker.`

interface Options {
  readonly broker: BrokerName
  readonly seconds: number
  readonly clients: number
  readonly seed: number
  readonly isPlain: boolean
}

function optionsIn(values: Values): Options {
  const injected = textOf(values, 'inject')
  if (injected !== undefined && injected !== 'plain-relay') throw new UsageError(`--inject must be plain-relay, got ${injected}`)
  if (values['redis'] === true && values['nats'] === true) throw new UsageError('Only one of --redis and --nats')
  return {
    broker: values['redis'] === true ? 'redis' : values['nats'] === true ? 'nats' : 'memory',
    seconds: positiveNumber(values, 'seconds', 30),
    clients: wholeNumber(values, 'clients', 40, 4),
    seed: wholeNumber(values, 'seed', newSeed()),
    isPlain: injected !== undefined,
  }
}

const BROKER_NAMES: Readonly<Record<BrokerName, string>> = { redis: 'redis-server', ioredis: 'redis-server', nats: 'nats-server', memory: 'a bus in memory' }

/** What cannot be killed is cut. */
function fateOf(broker: BrokerName): string {
  return broker === 'memory' ? 'cut' : 'killed'
}

function printIntroduction({ broker, clients, isPlain }: Options): void {
  console.log(`Three processes serve the same streams. Between them: ${BROKER_NAMES[broker]}${isPlain ? ', used as a plain relay' : ''}.`)
  console.log(`${clients} clients come to any of the three by WebSocket, and move to another one all the time.`)
  console.log(`Each process publishes. Every few seconds, the broker is ${fateOf(broker)} and comes back.`)
  console.log('An audit compares what was published with what each client received.\n')
}

const startedMs = performance.now()

function printProgress(text: string): void {
  console.log(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(6)} s  ${text}`)
}

function printRound({ upAgainMs, calmMs, counts }: RoundResult): void {
  printProgress(`it is back: all processes use it again after ${seconds(upAgainMs)}, every client has what is due to it after ${seconds(calmMs)}`)
  printProgress(`so far: ${counts.published} published, ${counts.received} received, ${silentIn(counts.faults)} lost in silence`)
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`
}

function silentIn({ lost, missing }: ClusterRunResult['counts']['faults']): number {
  return lost + missing
}

function printTable({ rounds, counts, totals, connects }: ClusterRunResult, { broker, clients }: Options): void {
  const { twice, outOfOrder, leaked, unknown } = counts.faults
  const longest = (times: readonly number[]): string => seconds(Math.max(0, ...times))
  const rows: (readonly [string, string | number])[] = [
    [`how often the broker was ${fateOf(broker)}`, rounds.length],
    ['longest time until all processes used it again', longest(rounds.map(({ upAgainMs }) => upAgainMs))],
    ['how often a client came to another process', connects - clients],
    ['messages published', counts.published],
    ['messages received, by all clients together', counts.received],
    ['messages that a process missed, and was sent again', totals.repaired],
    ['messages that could not be sent again: the client was told', counts.told],
    ['messages lost in silence', silentIn(counts.faults)],
    ['messages received twice', twice],
    ['messages out of order', outOfOrder],
    ['messages to a client that must not have them', leaked + unknown],
  ]
  console.log('')
  for (const [name, value] of rows) console.log(`  ${name.padEnd(60)} ${String(value).padStart(8)}`)
  console.log('')
}

/** Returns the exit code. */
async function show(options: Options): Promise<number> {
  const { broker, clients, seed, isPlain } = options
  printIntroduction(options)
  let endMs = Infinity
  const result = await ClusterRun.run({
    broker, clients, seed, isPlain,
    faults: ['kill the broker'],
    isGoingOn: () => performance.now() < endMs,
    ready: () => {
      endMs = performance.now() + options.seconds * 1_000
      printProgress('all clients have arrived')
    },
    began: () => printProgress(`the broker is ${fateOf(broker)}`),
    ended: printRound,
  })
  printTable(result, options)
  const faults = [...result.unhandled, ...result.faults]
  for (const fault of faults.slice(0, 10)) console.log(`  ${fault}`)
  console.log(faults.length === 0 ? 'Nothing was lost in silence, came twice, or came out of order.' : `\nThis must not happen. Seed: ${seed}`)
  return faults.length === 0 ? 0 : 1
}

const TEXT = { type: 'string' } as const
const FLAG = { type: 'boolean' } as const
const options = readCommandLine(USAGE, { redis: FLAG, nats: FLAG, seconds: TEXT, clients: TEXT, seed: TEXT, inject: TEXT }, optionsIn)
try {
  process.exit(await show(options))
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  process.exit(2)
}
