import { endProgress, newSeed, readCommandLine, showProgress, wholeNumber } from '../../support/command-line.ts'
import { SimulatedCluster } from '../../support/cluster/simulated-cluster.ts'
import { USERS, STREAMS } from '../../support/cluster/catalogue.ts'
import { Dice } from '../../support/dice.ts'
import type { SimulatedNode } from '../../support/cluster/simulated-node.ts'
import { textOf } from './texts.ts'

const USAGE = `Usage: npm --prefix test/property/cluster run --silent fuzz -- [options]

  --texts N   texts that the broker brings (30 000); 10 000 go to one node
  --seed S    the seed of the first 10 000 texts (random)
  --help

Hostile texts of a broker. Exits with 1 if one makes a node throw, or if what a node holds grows without a bound.`

const TEXTS_OF_A_NODE = 10_000
/** More than this is not held for what may come. */
const MOST_HELD = { channels: 10, historyUnits: 80_000_000 }

const { seed, texts } = readCommandLine(USAGE, { texts: { type: 'string' }, seed: { type: 'string' } }, (values) => ({
  texts: wholeNumber(values, 'texts', 30_000, 1),
  seed: wholeNumber(values, 'seed', newSeed()),
}))

/** Returns what is wrong with a node that got hostile texts. `undefined` if nothing is. */
async function faultOf(nodeSeed: number, count: number): Promise<string | undefined> {
  const dice = new Dice(nodeSeed)
  const cluster = new SimulatedCluster()
  const [node] = (await cluster.nodes(1, { maxUnconfirmedBytes: 50_000 })) as [SimulatedNode]
  node.cluster?.on('streamActive', () => {})
  for (const stream of STREAMS) await cluster.client(node, stream, undefined, USERS[0])
  const line = cluster.broker.lines.get(node.name)
  for (let n = 0; n < count; n++) {
    const text = textOf(dice, ['n7', 'n8', 'e7', 'e8', 'e9', 'e10'])
    try {
      line?.receive('a', text)
    } catch (error) {
      return `text ${n} throws ${String((error as Error).stack)}: ${text.slice(0, 500)}`
    }
    if (n % 500 === 499) await cluster.clock.advance(dice.pick([0, 10, 3_000]))
  }
  await cluster.clock.advance(10_000)
  return heldTooMuch(node)
}

function heldTooMuch({ cluster, recovery }: SimulatedNode): string | undefined {
  const { channels } = cluster?.stats() ?? { channels: 0 }
  const { units } = recovery.stats()
  if (channels > MOST_HELD.channels) return `${channels} channels are wanted`
  return units > MOST_HELD.historyUnits ? `${units} units are held` : undefined
}

process.on('unhandledRejection', (reason) => {
  console.log(`FAULT  nobody caught ${String(reason)}`)
  process.exit(1)
})

let fault: string | undefined
for (let done = 0; done < texts && fault === undefined; done += TEXTS_OF_A_NODE) {
  const nodeSeed = seed + done / TEXTS_OF_A_NODE
  fault = await faultOf(nodeSeed, Math.min(TEXTS_OF_A_NODE, texts - done))
  if (fault !== undefined) console.log(`FAULT  ${fault}\n  again: npm --prefix test/property/cluster run --silent fuzz -- --seed ${nodeSeed} --texts ${TEXTS_OF_A_NODE}`)
  showProgress(`${done} texts`)
}
endProgress()
console.log(`seed ${seed}: ${texts} texts`)
console.log(fault === undefined ? 'ok' : 'a fault')
process.exit(fault === undefined ? 0 : 1)
