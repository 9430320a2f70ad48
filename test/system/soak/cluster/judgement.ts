import { growthOf, inMiB, type MemorySample, type Reading } from '../memory.ts'
import type { Verdict } from '../verdict.ts'
import type { ClusterSoakOptions } from './cluster-soak.ts'
import type { CrowdReport } from './crowds.ts'
import type { NodeSample } from './messages.ts'
import { memoryIn } from './nodes.ts'
import { slowStreamOf } from './streams.ts'

/** The results of a run. */
export interface Outcome {
  readonly options: ClusterSoakOptions
  readonly report: CrowdReport
  /** Node → its samples. */
  readonly samples: readonly (readonly NodeSample[])[]
  /** What was not as it has to be, in words. */
  readonly troubles: readonly string[]
}

/** A slope is judged in runs that are at least so long. In a shorter run, compiled code and histories still grow. */
const FEWEST_MINUTES_OF_A_SLOPE = 10
/** A leak of one byte a message, at 5,000 messages a second, is 17 MiB an hour. */
const FLAT_BYTES_PER_HOUR = 8 * 1024 * 1024

/** Prints and checks the results of a run. */
export function judge(verdict: Verdict, outcome: Outcome): void {
  describe(verdict, outcome)
  judgeMessages(verdict, outcome)
  judgeCauses(verdict, outcome)
  judgeCoverage(verdict, outcome)
  judgeMemory(verdict, outcome)
}

function describe(verdict: Verdict, { report: { counts }, samples }: Outcome): void {
  const { received, conflated, told, late, again, left, moved, resumed, refused, gaps, ended, pauses } = counts
  verdict.note(`
received        ${received} messages; ${conflated} more were replaced by newer ones of the same stream
returns         ${left} clients left and came back, ${moved} of them to another node; ${resumed} streams were resumed without a loss
slow clients    ${pauses} pauses; ${told} messages were told as missing, ${late} more came although they were told, ${again} came again after a refused resume
                ${gaps} gap notices, ${refused} streams that could not be resumed, ${ended} connections that ended
`)
  for (const [node, all] of samples.entries()) describeNode(verdict, node, all)
  verdict.note('')
}

function describeNode(verdict: Verdict, node: number, samples: readonly NodeSample[]): void {
  const delays = samples.map(({ delay }) => delay)
  const memory = memoryIn(samples)
  const [first, last] = [memory[0], memory.at(-1)]
  const { sent, dropped, slowConsumers, received, repaired, downs } = (samples.at(-1) as NodeSample).counts
  const cpu = samples.slice(0, -1).map(({ cpuShare }) => cpuShare)
  const sizes = (of: (sample: MemorySample) => number): string => `${inMiB(first ? of(first) : NaN)} to ${inMiB(last ? of(last) : NaN)}`
  const rows: (readonly [string, string])[] = [
    ['event loop', `delay p50 ${medianOf(delays.map(({ p50 }) => p50))} ms, p99 ${medianOf(delays.map(({ p99 }) => p99))} ms (worst period ${mostOf(delays.map(({ p99 }) => p99))} ms), max ${mostOf(delays.map(({ max }) => max))} ms`],
    ['processor', `${percent(medianValue(cpu))} of one, at most ${percent(Math.max(0, ...cpu))}`],
    ['heap', `${sizes(({ heapBytes }) => heapBytes)}; ${slopeIn(memory, 'heapBytes')}`],
    ['buffers', `${sizes(({ externalBytes }) => externalBytes)}; ${slopeIn(memory, 'externalBytes')}`],
    ['RSS', `${sizes(({ rssBytes }) => rssBytes)}; ${slopeIn(memory, 'rssBytes')}`],
    ['messages', `${sent} sent, ${dropped} dropped, ${slowConsumers} slow consumers removed; ${received} from the broker, ${repaired} of them sent again, ${downs} times down`],
  ]
  for (const [name, text] of rows) verdict.note(`node ${node}  ${name.padEnd(12)}${text}`)
}

function judgeMessages(verdict: Verdict, { report: { counts, examples, waiting } }: Outcome): void {
  const { lost, twice, outOfOrder, foreign, receivedBySteady, heardBySteady, refusedSteady } = counts
  verdict.check(`messages lost in silence: ${lost + waiting}`, lost + waiting === 0, examples.lost)
  verdict.check(`messages received twice: ${twice}`, twice === 0, examples.twice)
  verdict.check(`messages received out of order: ${outOfOrder}`, outOfOrder === 0, examples.outOfOrder)
  verdict.check(`messages to a client that must not have them: ${foreign}`, foreign === 0, examples.foreign)
  // After a refused resume, a client leaves out what is older than its new position, and takes all that comes after a snapshot.
  const isHeard = heardBySteady === receivedBySteady || refusedSteady > 0
  verdict.check('listeners heard exactly the messages that came', isHeard, [`${receivedBySteady} came, ${heardBySteady} were heard`])
}

function judgeCauses(verdict: Verdict, { options, report, samples, troubles }: Outcome): void {
  const { counts: { gapsOfSteady, refusedSteady, endedSteady, refusals }, examples, settled } = report
  const downs = samples.map((all) => (all.at(-1) as NodeSample).counts.downs)
  verdict.check(`gaps told to a client that reads: ${gapsOfSteady}`, gapsOfSteady === 0, examples.gapsOfSteady)
  verdict.check(`streams of a client that reads, and that could not be resumed: ${refusedSteady}`, refusedSteady === 0, examples.refusedSteady)
  verdict.check(`connections of a client that reads, and that ended: ${endedSteady}`, endedSteady === 0, examples.endedSteady)
  verdict.check(`commands refused, and subscriptions ended: ${refusals}`, refusals === 0, examples.refusals)
  verdict.check('all clients are there in the end', settled === options.clients, [`${settled} of ${options.clients}`])
  verdict.check('each node has as many connections as clients came to it', connectionsOf(samples) === options.clients, [`${connectionsOf(samples)} connections`])
  verdict.check('no node lost the broker, and no process failed', troubles.length === 0 && downs.every((count) => count === 0), [...troubles.slice(0, 10), `down: ${downs.join(' and ')}`])
}

function connectionsOf(samples: Outcome['samples']): number {
  return samples.reduce((sum, all) => sum + (all.at(-1) as NodeSample).connections, 0)
}

/** What did not happen was not tested. */
function judgeCoverage(verdict: Verdict, { options: { clients }, report: { counts } }: Outcome): void {
  const { received, left, moved, resumed, refusedSteady, pauses, told, gaps } = counts
  const hasSlowClients = Array.from({ length: clients }, (_, client) => slowStreamOf(client)).includes('CHART')
  const isCovered = received > 0 && left > 0 && moved > 0 && resumed > refusedSteady
  verdict.check('clients left, came to another node, and most were resumed', isCovered, [`${left} left, ${moved} came to another node, ${resumed} streams resumed, ${refusedSteady} not`])
  if (hasSlowClients) verdict.check('slow clients were told what they missed', told > 0 && gaps > 0, [`${pauses} pauses, ${gaps} gaps, ${told} told`])
}

function judgeMemory(verdict: Verdict, { options: { minutes }, samples }: Outcome): void {
  if (minutes < FEWEST_MINUTES_OF_A_SLOPE) return verdict.note(`The slope of memory is not judged in less than ${FEWEST_MINUTES_OF_A_SLOPE} minutes.`)
  for (const [node, all] of samples.entries()) {
    for (const [name, reading] of [['the heap', 'heapBytes'], ['the memory of buffers', 'externalBytes']] as const) {
      const { bytesPerHour, uncertainty } = growthOf(memoryIn(all), reading)
      const isFlat = bytesPerHour - uncertainty <= FLAT_BYTES_PER_HOUR
      verdict.check(`node ${node}: ${name} does not grow, within ${inMiB(FLAT_BYTES_PER_HOUR)} an hour`, isFlat, [slopeIn(memoryIn(all), reading)])
    }
  }
}

function slopeIn(samples: readonly MemorySample[], reading: Reading): string {
  const { bytesPerHour, uncertainty } = growthOf(samples, reading)
  return Number.isNaN(bytesPerHour) ? 'too few samples for a slope' : `${inMiB(bytesPerHour)} ± ${inMiB(uncertainty)} an hour over the second half`
}

function medianValue(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN
}

function medianOf(values: readonly number[]): string {
  return medianValue(values).toFixed(1)
}

function mostOf(values: readonly number[]): string {
  return Math.max(0, ...values).toFixed(1)
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
