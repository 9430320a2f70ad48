// What `instrument` costs, with the SDK of OpenTelemetry: nanoseconds of a publish, side by side, and microseconds of one collection.
import { ConnectionManager } from 'stream-connection-manager'
import { instrument } from 'stream-connection-manager/operations'
import { OtelReader } from './otel-reader.ts'

const ROUNDS = 800
const WARM_UP = 20
const ROUND_NS = 400_000

interface Contender {
  readonly name: string
  readonly manager: ConnectionManager
  readonly costs: number[]
}

function contender(name: string, recipients: number, measureEvery?: number): Contender {
  const manager = new ConnectionManager()
  for (let i = 0; i < recipients; i++) {
    const socket = { bufferedAmount: 0, send() {}, close() {} }
    manager.addConnection(`c${i}`, socket, `u${i}`).subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })
  }
  if (measureEvery !== undefined) instrument(manager, new OtelReader().meter, { measureEvery })
  return { name, manager, costs: [] }
}

function nanoseconds(manager: ConnectionManager, times: number): number {
  const start = process.hrtime.bigint()
  for (let i = 0; i < times; i++) manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 64_000, ask: 64_001, i } })
  return Number(process.hrtime.bigint() - start) / times
}

function firstQuartile(costs: readonly number[]): number {
  return costs.toSorted((a, b) => a - b)[Math.floor(costs.length / 4)] as number
}

/** Runs the contenders in turn, so that whatever else the machine does hits all of them alike. */
function compare(contenders: readonly Contender[]): string {
  const times = Math.max(10, Math.floor(ROUND_NS / nanoseconds((contenders[0] as Contender).manager, 1_000)))
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const { manager, costs } = contenders[(i + round) % contenders.length] as Contender
      const cost = nanoseconds(manager, times)
      if (round >= WARM_UP) costs.push(cost)
    }
  }
  return contenders.map(({ name, costs }) => `${name} ${firstQuartile(costs).toFixed(0)}`).join(', ')
}

for (const recipients of [0, 1, 10, 100, 1_000]) {
  const plain = [contender('plain', recipients), contender('plain again', recipients)]
  const measured = [contender('one in 100', recipients, 100), contender('each one', recipients, 1)]
  console.log(`publish to ${recipients}, ns: ${compare([...plain, ...measured])}`)
}

const reader = new OtelReader()
instrument(contender('collected', 10_000).manager, reader.meter)
const collections: number[] = []
for (let i = 0; i < ROUNDS; i++) {
  const start = performance.now()
  await reader.collect()
  collections.push((performance.now() - start) * 1_000)
}
console.log(`one collection, 10,000 connections, µs: ${firstQuartile(collections).toFixed(0)}`)
